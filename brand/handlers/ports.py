"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from brand.domain.profile import Profile
from brand.domain.team import Team
from chassis.event import Event


class Profiles(Protocol):
    def get(self, brand_id: str) -> Profile:
        """BrandNotFound when there is none."""

    def add(self, profile: Profile) -> None:
        """ConcurrentUpdate when there is one already."""

    def save(self, profile: Profile, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


class Teams(Protocol):
    def get(self, brand_id: str) -> Team:
        """An empty team when nobody was ever invited."""

    def of_member(self, member_id: str) -> list[Team]:
        """The teams that this member is in, in the order of their brands' ids."""

    def sent_by_others(self, brand_id: str, address: str, since: datetime) -> list[datetime]:
        """When the teams of other brands have mailed to this address (a hash) later than that."""

    def save(self, team: Team, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


class Payments(Protocol):
    def describe(self, provider: str, reference: str) -> dict[str, str]:
        """`type`, `brand`, `last4` and `expires` of what the provider stores. Payment's refusal otherwise."""
