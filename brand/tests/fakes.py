"""Working stand-ins for the stores; tests/storage holds them to the stores' contracts."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime

from brand.domain.profile import BrandNotFound, ConcurrentUpdate, Profile
from brand.domain.team import Team
from chassis.errors import NotFound
from chassis.event import Event


class FakeProfiles:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._profiles: dict[str, Profile] = {}

    def get(self, brand_id: str) -> Profile:
        if brand_id not in self._profiles:
            raise BrandNotFound()
        return deepcopy(self._profiles[brand_id])

    def add(self, profile: Profile) -> None:
        if profile.id in self._profiles:
            raise ConcurrentUpdate()
        self._profiles[profile.id] = deepcopy(profile)

    def save(self, profile: Profile, events: Sequence[Event]) -> None:
        if self.get(profile.id).version != profile.version:
            raise ConcurrentUpdate()
        profile.version += 1
        self._profiles[profile.id] = deepcopy(profile)
        self.events.extend(events)


class FakeTeams:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._teams: dict[str, Team] = {}

    def get(self, brand_id: str) -> Team:
        return deepcopy(self._teams.get(brand_id, Team(brand_id=brand_id)))

    def of_member(self, member_id: str) -> list[Team]:
        found = [team for team in self._teams.values() if any(m.id == member_id for m in team.members)]
        return deepcopy(sorted(found, key=lambda team: team.brand_id))

    def sent_by_others(self, brand_id: str, address: str, since: datetime) -> list[datetime]:
        others = [team for team in self._teams.values() if team.brand_id != brand_id]
        return [
            sent.at for team in others for sent in team.sent if sent.address == address and sent.at > since
        ]

    def save(self, team: Team, events: Sequence[Event]) -> None:
        if self.get(team.brand_id).version != team.version:
            raise ConcurrentUpdate()
        team.version += 1
        self._teams[team.brand_id] = deepcopy(team)
        self.events.extend(events)


class FakePayments:
    """A provider that stores one card; `asked` are the references that were looked up."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def describe(self, provider: str, reference: str) -> dict[str, str]:
        self.asked.append(reference)
        if reference != "pm_card_visa":
            raise NotFound()
        return {"type": "card", "brand": "visa", "last4": "4242", "expires": "2034-12"}
