from datetime import UTC, datetime, timedelta

import pytest

from analytics import domain
from analytics.domain import (
    MAX_POINTS,
    BadPeriod,
    Period,
    Point,
    TimeOutOfRange,
    TooManyPoints,
    filled,
    months_from,
    reporting_period,
    series_period,
)
from analytics.tests.mothers import NOON, a_delivery

MINUTE, HOUR, DAY = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))


def test_an_unbounded_period_is_read_from_whole_days() -> None:
    period = reporting_period(None, None, NOON)

    assert period.resolution == "day"
    assert period.until > NOON


def test_the_bounds_of_a_summary_are_widened_to_whole_minutes() -> None:
    period = reporting_period(NOON + timedelta(seconds=30), NOON + timedelta(seconds=90), NOON)

    assert period == Period(NOON, NOON + 2 * MINUTE)


def test_a_long_period_is_widened_to_whole_hours() -> None:
    period = reporting_period(NOON - 100 * DAY + MINUTE, NOON + MINUTE, NOON)

    assert period.resolution == "hour"
    assert period.until == NOON + HOUR


@pytest.mark.parametrize(
    ("length", "resolution"), [(DAY, "hour"), (90 * MINUTE, "minute"), (2 * HOUR, "hour")]
)
def test_the_coarsest_rollup_that_fits_is_read(length: timedelta, resolution: str) -> None:
    assert Period(NOON, NOON + length).resolution == resolution


def test_a_period_from_midnight_to_midnight_is_read_from_days() -> None:
    midnight = NOON - 12 * HOUR

    assert Period(midnight, midnight + DAY).resolution == "day"


def test_a_period_must_not_end_before_it_begins() -> None:
    with pytest.raises(BadPeriod):
        reporting_period(NOON, NOON, NOON)


@pytest.mark.parametrize("impossible", [datetime.min, datetime.max, NOON - 4000 * DAY])
def test_a_period_must_lie_within_the_life_of_the_platform(impossible: datetime) -> None:
    at = impossible.replace(tzinfo=UTC)

    with pytest.raises(BadPeriod):
        reporting_period(at, None, NOON)
    with pytest.raises(BadPeriod):
        series_period(None, at, "day", NOON)


def test_a_period_that_begins_in_the_future_is_refused() -> None:
    with pytest.raises(BadPeriod):
        reporting_period(NOON + 10 * DAY, None, NOON)
    with pytest.raises(BadPeriod):
        series_period(NOON + 10 * DAY, None, "day", NOON)


def test_a_series_holds_a_point_for_every_bucket_even_an_empty_one() -> None:
    period = series_period(NOON, NOON + 3 * HOUR, "hour", NOON)

    points = filled(period, "hour", {NOON + HOUR: 7})

    assert points == [Point(NOON, 0), Point(NOON + HOUR, 7), Point(NOON + 2 * HOUR, 0)]


def test_a_series_without_bounds_ends_with_the_bucket_of_now() -> None:
    period = series_period(None, None, "hour", NOON + MINUTE)

    assert period.until == NOON + HOUR
    assert period.buckets(HOUR) == domain.DEFAULT_POINTS


def test_a_series_of_too_many_points_is_refused() -> None:
    with pytest.raises(TooManyPoints):
        series_period(NOON, NOON + (MAX_POINTS + 1) * MINUTE, "minute", NOON)


def test_months_are_counted_over_the_end_of_the_year() -> None:
    months = months_from(NOON, ahead=2)

    assert [(month.year, month.month) for month in months] == [(2026, 11), (2026, 12), (2027, 1)]


def test_a_fact_with_an_impossible_time_is_refused() -> None:
    with pytest.raises(TimeOutOfRange):
        a_delivery(1, started_at=NOON.replace(year=1999))
