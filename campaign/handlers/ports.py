"""What the use cases need of the world, in their own terms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from campaign.domain.campaign import Asset, Campaign
from campaign.domain.participant import Participant
from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page
from chassis.saga_steps import SagaState

T = TypeVar("T")
Command = Mapping[str, Any]


class Campaigns(Protocol):
    """Campaigns and what is known of their participations.

    `save` and `remove` raise ConcurrentUpdate when somebody else saved first. `transaction` joins an
    outer one, and may run its work twice.
    """

    def get(self, campaign_id: str) -> Campaign: ...
    def these(self, campaign_ids: Collection[str]) -> list[Campaign]: ...
    def add(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def save(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def remove(self, campaign: Campaign, events: Sequence[Event]) -> None: ...
    def transaction(self, work: Callable[[], T]) -> T: ...
    def of_brand(
        self, brand_id: str, status: str | None, limit: int, cursor: str | None
    ) -> Page[Campaign]: ...
    def awaiting_review(self, limit: int, cursor: str | None) -> Page[Campaign]: ...
    def open_to(self, streamer_id: str, now: datetime, limit: int, cursor: str | None) -> Page[Campaign]: ...
    def due_to_end(self, now: datetime, limit: int) -> list[str]: ...
    def history(self, campaign_id: str, limit: int, cursor: str | None) -> Page[dict[str, Any]]: ...
    def participants(self, ids: Collection[str]) -> dict[str, Participant]:
        """By id; what nobody has told of is missing."""

    def save_participants(self, participants: Sequence[Participant]) -> None: ...


class Payment(Protocol):
    """Both commands answer the same when they are repeated under the same key."""

    def reserve(self, campaign_id: str, brand_id: str, amount: Money, key: str) -> None: ...
    def release(self, campaign_id: str, brand_id: str, earned: Money | None, key: str) -> Money: ...


class Participations(Protocol):
    def settle(self, campaign_id: str, currency: str) -> Money:
        """Close all participations of a campaign and sum up what they earned; idempotent."""


class Streamers(Protocol):
    def eligibility(self, streamer_id: str) -> dict[str, Any]: ...


class Assets(Protocol):
    def describe(self, asset_ids: Sequence[str], owner_id: str) -> list[Asset]: ...


class Sagas(Protocol):
    def start(self, type: str, key: str, data: dict[str, Any]) -> str:
        """The id of the one that runs for this key now."""

    def start_alone(self, type: str, key: str, data: dict[str, Any]) -> str | None:
        """As `start`; None when one runs already, with other data."""

    def wait(self, saga_id: str, timeout: float) -> SagaState: ...
