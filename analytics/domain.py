"""Facts about showings and earnings, the periods they are asked for, and what each figure means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.errors import NotFound, ValidationFailed

DEFINITIONS: dict[str, str] = {
    "rendered": "Accepted showings of a creative by an overlay.",
    "qualified": (
        "Rendered showings that were visible, with the stream live, for at least 1 continuous second "
        "(image) or 2 continuous seconds (video)."
    ),
    "viewer_impressions": (
        "An estimate (formula v1): the concurrent viewers sampled at the time of each qualified showing, "
        "summed."
    ),
    "visible_ms": "Milliseconds for which rendered showings were visible, summed.",
    "gross_minor": "Earnings that the ledger has posted, before the platform's fee, in minor units.",
    "platform_fee_minor": "The platform's share of the posted earnings, in minor units.",
    "net_minor": "What the ledger has posted to streamers: gross less fee, in minor units.",
}
FUNNEL_DEFINITIONS: dict[str, str] = {
    "applied": "Participations that were applied for.",
    "approved": "Participations that the brand (or the campaign's automatic approval) approved.",
    "delivering": "Participations with at least one accepted showing.",
    "paid": "Participations for which the ledger has posted an earning.",
}
METRICS = tuple(DEFINITIONS)
MONEY_METRICS = ("gross_minor", "platform_fee_minor", "net_minor")

STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

DIMENSIONS = ("campaign", "streamer", "creative", "placement", "platform", "country")
# Money is earned by a participation, hence by a campaign and a streamer, never by a single creative.
EARNING_DIMENSIONS = ("campaign", "streamer")

# A day of minutes and a little more; a chart cannot show more points than this anyway.
MAX_POINTS = 1500
DEFAULT_POINTS = 60

# The platform did not exist before; a fact from elsewhere in time is a broken message.
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

# Beyond a month, minutes would be read by the ten thousand for a difference that nobody sees.
LONGEST_PERIOD_IN_MINUTES = timedelta(days=31)

DEFAULT_CURRENCY = "USD"
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


class CampaignNotFound(NotFound):
    code, title = "analytics.campaign_not_found", "No such campaign"


class BadPeriod(ValidationFailed):
    code, title = "analytics.bad_period", "The period is not one that can be reported on"


class TooManyPoints(ValidationFailed):
    code, title = "analytics.too_many_points", "The period holds too many buckets"


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


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: those of one campaign, or those of one streamer."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums as DEFINITIONS describes them. Money that cannot be attributed is None."""

    currency: str
    rendered: int = 0
    qualified: int = 0
    viewer_impressions: int = 0
    visible_ms: int = 0
    gross_minor: int | None = 0
    platform_fee_minor: int | None = 0
    net_minor: int | None = 0

    def without_money(self) -> Figures:
        return replace(self, gross_minor=None, platform_fee_minor=None, net_minor=None)


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one value of a dimension."""

    key: str
    figures: Figures

    def attributed(self, by: str) -> Part:
        return self if by in EARNING_DIMENSIONS else Part(self.key, self.figures.without_money())


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    value: int


@dataclass(frozen=True, slots=True)
class Funnel:
    applied: int = 0
    approved: int = 0
    delivering: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to, and without, `until`; both lie on a bucket's edge."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        check_order(self.since, self.until)

    @property
    def resolution(self) -> str:
        """The coarsest rollup whose buckets fit the period exactly."""
        return next(
            name
            for name in ("day", "hour", "minute")
            if floor(self.since, STEPS[name]) == self.since and floor(self.until, STEPS[name]) == self.until
        )

    def buckets(self, step: timedelta) -> int:
        return -((self.since - self.until) // step)


@dataclass(frozen=True, slots=True)
class Summary:
    scope: Scope
    period: Period
    figures: Figures
    currencies: list[str]

    @property
    def definitions(self) -> dict[str, str]:
        return DEFINITIONS


@dataclass(frozen=True, slots=True)
class Timeseries:
    scope: Scope
    period: Period
    metric: str
    bucket: str
    currency: str | None
    points: list[Point]

    @property
    def definitions(self) -> dict[str, str]:
        return {self.metric: DEFINITIONS[self.metric]}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`truncated` says that there are more parts than were asked for; the largest come first."""

    scope: Scope
    period: Period
    by: str
    parts: list[Part]
    truncated: bool

    @property
    def definitions(self) -> dict[str, str]:
        return DEFINITIONS


@dataclass(frozen=True, slots=True)
class FunnelReport:
    scope: Scope
    funnel: Funnel

    @property
    def definitions(self) -> dict[str, str]:
        return FUNNEL_DEFINITIONS


@dataclass(frozen=True, slots=True)
class Verification:
    """How the stored rollups compare with a recomputation from the raw facts."""

    rollups: int
    differences: int

    @property
    def equal(self) -> bool:
        return self.differences == 0


def check_time(at: datetime) -> None:
    if not EARLIEST <= at < LATEST:
        raise TimeOutOfRange(at.isoformat())


def floor(at: datetime, step: timedelta) -> datetime:
    """The start of the bucket that holds `at`; buckets are counted in UTC."""
    return at - (at - EARLIEST) % step


def ceil(at: datetime, step: timedelta) -> datetime:
    start = floor(at, step)
    return start if start == at else start + step


def reporting_period(since: datetime | None, until: datetime | None, now: datetime) -> Period:
    """The period of a summary: everything unless bounded, widened to whole minutes (hours if it is long)."""
    check_bounds(since, until)
    begin = since or EARLIEST
    end = until or ceil(now, STEPS["day"]) + STEPS["day"]
    step = STEPS["minute"] if end - begin <= LONGEST_PERIOD_IN_MINUTES else STEPS["hour"]
    return Period(floor(begin, step), ceil(end, step))


def series_period(since: datetime | None, until: datetime | None, bucket: str, now: datetime) -> Period:
    """The period of a time series, widened to whole buckets: the last DEFAULT_POINTS unless bounded."""
    check_bounds(since, until)
    step = STEPS[bucket]
    end = ceil(until or now, step)
    begin = floor(since, step) if since else end - DEFAULT_POINTS * step
    period = Period(begin, end)
    if period.buckets(step) > MAX_POINTS:
        raise TooManyPoints(
            f"At most {MAX_POINTS} points; ask for a shorter period or a larger bucket",
            {"bucket": [f"At most {MAX_POINTS} points."]},
        )
    return period


def check_bounds(since: datetime | None, until: datetime | None) -> None:
    """Comes before any arithmetic, which fails at the ends of the calendar."""
    for name, at in (("from", since), ("to", until)):
        if at is not None and not EARLIEST <= at <= LATEST:
            raise BadPeriod("The period must lie between 2020 and 2100", {name: ["Out of range."]})
    if since and until:
        check_order(since, until)


def check_order(since: datetime, until: datetime) -> None:
    if since >= until:
        raise BadPeriod("The period ends before it begins", {"to": ["Must be later than from."]})


def month_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months_from(now: datetime, ahead: int) -> list[datetime]:
    """The starts of this month and of the `ahead` months after it."""
    first = month_of(now)
    months = (divmod(first.month - 1 + offset, 12) for offset in range(ahead + 1))
    return [first.replace(year=first.year + years, month=month + 1) for years, month in months]


def filled(period: Period, bucket: str, found: Mapping[datetime, int]) -> list[Point]:
    """One point per bucket; a bucket in which nothing happened counts zero."""
    step = STEPS[bucket]
    starts = (period.since + index * step for index in range(period.buckets(step)))
    return [Point(start, found.get(start, 0)) for start in starts]


def without_personal_data(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in PERSONAL_FIELDS}
