"""Report on what was recorded, to whom it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.domain import (
    DEFAULT_CURRENCY,
    MAX_BARS,
    MAX_POINTS,
    MONEY_METRICS,
    Breakdown,
    CampaignNotFound,
    Comparison,
    Export,
    Figures,
    FunnelReport,
    MonthlyReport,
    Period,
    Scope,
    Summary,
    Timeseries,
    check_rows,
    compared,
    filled,
    month_before,
    month_period,
    reporting_period,
    series_period,
)
from analytics.handlers.ports import Series
from chassis.clock import Clock
from chassis.errors import ValidationFailed
from chassis.pagination import decode_cursor, page_of
from chassis.principal import Caller
from chassis.times import parse_rfc3339, rfc3339

# A quarter of a megabyte of text: an eighth of the longest reply.
ROWS_PER_PAGE = 2_000

# What a page has room for beside the rest; the export has all of them.
PARTS_IN_REPORT = 10


@dataclass(frozen=True, slots=True)
class SummaryQuery:
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class TimeseriesQuery:
    metric: str
    bucket: str
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class BreakdownQuery:
    by: str
    limit: int
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class ExportQuery:
    bucket: str
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None
    cursor: str | None = None


def campaign_scope(series: Series, by: Caller, campaign_id: str) -> Scope:
    """The campaign's figures, for its brand and for admins; to others it does not exist."""
    by.must_be("brand", "admin")
    owner = series.owner_of(campaign_id)
    if owner is None or not (by.is_admin or by.owns(owner)):
        raise CampaignNotFound()
    return Scope("campaign", campaign_id)


def streamer_scope(by: Caller) -> Scope:
    by.must_be("streamer")
    return Scope("streamer", by.id)


def brand_scope(by: Caller) -> Scope:
    by.must_be("brand")
    return Scope("brand", by.id)


def summary(series: Series, clock: Clock, scope: Scope, query: SummaryQuery) -> Summary:
    """Compared with the period of the same length right before, unless it has no beginning."""
    period = reporting_period(query.since, query.until, clock.now())
    currencies = series.currencies(scope)
    currency = query.currency or default_currency(currencies)
    return summed_up(series, scope, period, period.previous, currency, currencies)


def summed_up(
    series: Series,
    scope: Scope,
    period: Period,
    previous: Period | None,
    currency: str,
    currencies: list[str],
) -> Summary:
    figures = series.figures(scope, period, currency)
    comparison = comparison_with(series, scope, previous, figures)
    return Summary(scope, period, figures, currencies, comparison)


def comparison_with(
    series: Series, scope: Scope, previous: Period | None, figures: Figures
) -> Comparison | None:
    if previous is None:
        return None
    return compared(figures, previous, series.figures(scope, previous, figures.currency))


def timeseries(series: Series, clock: Clock, scope: Scope, query: TimeseriesQuery) -> Timeseries:
    return series_of(series, clock, scope, query, MAX_POINTS)


def chart(series: Series, clock: Clock, scope: Scope, query: TimeseriesQuery) -> Timeseries:
    """A time series of no more buckets than a chart has room for."""
    return series_of(series, clock, scope, query, MAX_BARS)


def series_of(series: Series, clock: Clock, scope: Scope, query: TimeseriesQuery, most: int) -> Timeseries:
    period = series_period(query.since, query.until, query.bucket, clock.now(), most)
    currency = query.currency or default_currency(series.currencies(scope))
    found = series.points(scope, period, query.metric, query.bucket, currency)
    shown = currency if query.metric in MONEY_METRICS else None
    return Timeseries(scope, period, query.metric, query.bucket, shown, filled(period, query.bucket, found))


def breakdown(series: Series, clock: Clock, scope: Scope, query: BreakdownQuery) -> Breakdown:
    period = reporting_period(query.since, query.until, clock.now())
    currency = query.currency or default_currency(series.currencies(scope))
    parts = series.parts(scope, period, query.by, currency, query.limit + 1)
    shown = [part.attributed(query.by) for part in parts[: query.limit]]
    return Breakdown(scope, period, query.by, shown, len(parts) > query.limit)


def funnel(series: Series, scope: Scope) -> FunnelReport:
    return FunnelReport(scope, series.funnel(scope))


def export(series: Series, clock: Clock, scope: Scope, query: ExportQuery) -> Export:
    """A page of rows. Each page is read for itself: who wants the pages of one period names its bounds."""
    period = series_period(query.since, query.until, query.bucket, clock.now())
    currency = query.currency or default_currency(series.currencies(scope))
    if query.cursor is None:
        check_rows(series.count_rows(scope, period, query.bucket, query.by, currency))
    after = None if query.cursor is None else row_before(query.cursor)
    found = series.rows(scope, period, query.bucket, query.by, currency, after, ROWS_PER_PAGE + 1)
    page = page_of(found, ROWS_PER_PAGE, key=lambda row: [rfc3339(row.at), row.key])
    rows = [row.attributed(query.by) for row in page.items]
    return Export(
        scope, period, query.bucket, query.by, currency, rows, query.cursor is None, page.next_cursor
    )


def row_before(cursor: str) -> tuple[datetime, str]:
    at, key = decode_cursor(cursor, str, str)
    try:
        return parse_rfc3339(at), key
    except ValueError as error:
        raise ValidationFailed("The cursor is not one that we gave out") from error


def monthly_report(series: Series, clock: Clock, scope: Scope, month: datetime | None) -> MonthlyReport:
    now = clock.now()
    period = month_period(month, now)
    currencies = series.currencies(scope)
    first = default_currency(currencies)
    by = "streamer" if scope.kind == "campaign" else "campaign"
    return MonthlyReport(
        scope,
        period,
        min(now, period.until),
        [
            summed_up(series, scope, period, month_before(period), currency, currencies)
            for currency in currencies or [first]
        ],
        timeseries(series, clock, scope, TimeseriesQuery("qualified", "day", period.since, period.until)),
        breakdown(series, clock, scope, BreakdownQuery(by, PARTS_IN_REPORT, period.since, period.until)),
        funnel(series, scope),
    )


def default_currency(currencies: Sequence[str]) -> str:
    return currencies[0] if currencies else DEFAULT_CURRENCY
