"""Reports, and what each of their figures means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from analytics.domain.periods import Period, Point
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
DIMENSIONS = ("campaign", "streamer", "creative", "placement", "platform", "country")

# Money is earned by a participation, hence by a campaign and a streamer, never by a single creative.
EARNING_DIMENSIONS = ("campaign", "streamer")
DEFAULT_CURRENCY = "USD"

# About 2 MB of text: more than a spreadsheet is pleasant with, and little for the gateway to hold.
MAX_EXPORT_ROWS = 20_000


class CampaignNotFound(NotFound):
    code, title = "analytics.campaign_not_found", "No such campaign"


class TooManyRows(ValidationFailed):
    code, title = "analytics.too_many_rows", "The export would hold too many rows"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose figures: those of one campaign, of one streamer, or of all campaigns of one brand."""

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
class Comparison:
    """The same figures of the period before, and by how many percent each has changed since then."""

    period: Period
    figures: Figures
    change_percent: dict[str, int | None]


def compared(figures: Figures, period: Period, before: Figures) -> Comparison:
    changes = {name: change_percent(getattr(figures, name), getattr(before, name)) for name in METRICS}
    return Comparison(period, before, changes)


def change_percent(now: int, before: int) -> int | None:
    """Rounded half up; None where there was nothing that could change."""
    return (200 * (now - before) + abs(before)) // (2 * abs(before)) if before else None


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one value of a dimension."""

    key: str
    figures: Figures

    def attributed(self, by: str) -> Part:
        return self if by in EARNING_DIMENSIONS else Part(self.key, self.figures.without_money())


@dataclass(frozen=True, slots=True)
class Funnel:
    applied: int = 0
    approved: int = 0
    delivering: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    scope: Scope
    period: Period
    figures: Figures
    currencies: list[str]
    previous: Comparison | None = None

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
class Row:
    """The figures of one bucket, and of one value of a dimension where an export is split by one."""

    at: datetime
    key: str
    figures: Figures

    def attributed(self, by: str | None) -> Row:
        is_earned = by is None or by in EARNING_DIMENSIONS
        return self if is_earned else replace(self, figures=self.figures.without_money())


@dataclass(frozen=True, slots=True)
class Export:
    """A page of rows in the order of their buckets; a bucket in which nothing happened has none."""

    scope: Scope
    period: Period
    bucket: str
    by: str | None
    currency: str
    rows: list[Row]
    is_first: bool
    next_cursor: str | None


def check_rows(count: int) -> None:
    if count > MAX_EXPORT_ROWS:
        raise TooManyRows(
            f"{count} rows, at most {MAX_EXPORT_ROWS}; ask for a shorter period or a larger bucket",
            {"bucket": [f"At most {MAX_EXPORT_ROWS} rows."]},
        )


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """A month in each currency, by day and by part. `at` is its end, or now if that is to come."""

    scope: Scope
    month: Period
    at: datetime
    summaries: list[Summary]
    days: Timeseries
    parts: Breakdown
    funnel: FunnelReport

    @property
    def is_over(self) -> bool:
        return self.at == self.month.until


@dataclass(frozen=True, slots=True)
class Verification:
    """How the stored rollups compare with a recomputation from the raw facts."""

    rollups: int
    differences: int

    @property
    def equal(self) -> bool:
        return self.differences == 0
