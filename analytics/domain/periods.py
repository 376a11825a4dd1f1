"""The periods that reports are asked for, in whole buckets of UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from analytics.domain.facts import EARLIEST, LATEST
from chassis.errors import ValidationFailed

STEPS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

# A day of minutes and a little more; a chart cannot show more points than this anyway.
MAX_POINTS = 1500
DEFAULT_POINTS = 60

# A year of days, each still two pixels wide.
MAX_BARS = 400

# Beyond a month, minutes would be read by the ten thousand for a difference that nobody sees.
LONGEST_PERIOD_IN_MINUTES = timedelta(days=31)


class BadPeriod(ValidationFailed):
    code, title = "analytics.bad_period", "The period is not one that can be reported on"


class TooManyPoints(ValidationFailed):
    code, title = "analytics.too_many_points", "The period holds too many buckets"


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

    @property
    def previous(self) -> Period | None:
        """The period of the same length right before; None where it would begin before the platform did."""
        since = self.since - (self.until - self.since)
        return Period(since, self.since) if since >= EARLIEST else None

    def buckets(self, step: timedelta) -> int:
        return -((self.since - self.until) // step)


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    value: int


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


def series_period(
    since: datetime | None, until: datetime | None, bucket: str, now: datetime, most: int = MAX_POINTS
) -> Period:
    """The period of a time series, widened to whole buckets: the last DEFAULT_POINTS unless bounded."""
    check_bounds(since, until)
    step = STEPS[bucket]
    end = ceil(until or now, step)
    begin = floor(since, step) if since else end - DEFAULT_POINTS * step
    period = Period(begin, end)
    if period.buckets(step) > most:
        raise TooManyPoints(
            f"At most {most} points; ask for a shorter period or a larger bucket",
            {"bucket": [f"At most {most} points."]},
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


def month_period(month: datetime | None, now: datetime) -> Period:
    """A calendar month in UTC, this one included; the last that is over unless one is named."""
    begin = month or month_of(month_of(now) - STEPS["day"])
    if begin < EARLIEST:
        raise BadPeriod("The month must lie after 2019", {"month": ["Out of range."]})
    if begin > now:
        raise BadPeriod("The month has not begun", {"month": ["Has not begun."]})
    return Period(begin, months_from(begin, 1)[1])


def month_before(month: Period) -> Period | None:
    """The calendar month before, which may be longer or shorter."""
    begin = month_of(month.since - STEPS["day"])
    return Period(begin, month.since) if begin >= EARLIEST else None


def filled(period: Period, bucket: str, found: Mapping[datetime, int]) -> list[Point]:
    """One point per bucket; a bucket in which nothing happened counts zero."""
    step = STEPS[bucket]
    starts = (period.since + index * step for index in range(period.buckets(step)))
    return [Point(start, found.get(start, 0)) for start in starts]
