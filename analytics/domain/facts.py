"""Facts as they arrive: showings, earnings, events, and steps of the funnel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chassis.errors import ValidationFailed

# The platform did not exist before; a fact from elsewhere in time is a broken message.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
UNKNOWN = "unknown"

# Analytics counts accounts and does not need to know who they are.
PERSONAL_FIELDS = frozenset(
    {
        "email",
        "contact_person",
        "display_name",
        "username",
        "account_holder",
        "account_details",
        "billing_info",
    }
)


class TimeOutOfRange(ValidationFailed):
    code, title = "analytics.time_out_of_range", "A fact carries an impossible time"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One accepted showing. The overlay chose `id`, so it is unique within the participation only."""

    id: str
    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    creative_id: str
    placement: str
    platform: str
    country: str
    started_at: datetime
    ended_at: datetime
    visible_ms: int
    qualified: bool
    viewers: int

    def __post_init__(self) -> None:
        check_time(self.started_at)


@dataclass(frozen=True, slots=True)
class Earning:
    """What the ledger posted for one accrual of a participation; the amounts are differences."""

    participation_id: str
    accrual: int
    campaign_id: str
    brand_id: str
    streamer_id: str
    currency: str
    posted_at: datetime
    gross_minor: int
    platform_fee_minor: int
    net_minor: int

    def __post_init__(self) -> None:
        check_time(self.posted_at)


@dataclass(frozen=True, slots=True)
class BusinessEvent:
    """Something that happened in a service, without what would identify a person."""

    id: str
    source: str
    type: str
    subject: str
    at: datetime
    campaign_id: str | None
    brand_id: str | None
    streamer_id: str | None
    data: dict[str, Any]

    def __post_init__(self) -> None:
        check_time(self.at)


@dataclass(frozen=True, slots=True)
class CampaignOwner:
    campaign_id: str
    brand_id: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """A participation reached a step of the funnel: applied, approved, delivering or paid."""

    participation_id: str
    campaign_id: str
    streamer_id: str
    step: str
    at: datetime


def check_time(at: datetime) -> None:
    if not EARLIEST <= at < LATEST:
        raise TimeOutOfRange(at.isoformat())


def without_personal_data(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in PERSONAL_FIELDS}
