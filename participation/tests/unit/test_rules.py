"""Frequency, timeline, audience: the small rules."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.domain.audience import audience_at, nearest
from participation.domain.frequency import HOUR_MS, KEPT_STARTS, Cadence, Frequency
from participation.domain.manifest import in_rotation, slots_of
from participation.domain.timeline import MAX_PER_SEGMENT, MAX_SHOWING_MS, SEGMENT_MS, Timeline, segments_of
from participation.tests.mothers import (
    NOON,
    NOON_MS,
    WINTER_LAUNCH,
    a_full_house,
    a_picture,
    a_plan,
    an_active_one,
)


def shown_at(*seconds: float) -> Cadence:
    cadence = Cadence()
    for second in seconds:
        cadence.note(NOON_MS + int(second * 1_000))
    return cadence


@pytest.mark.parametrize(
    ("second", "refused"), [(30, True), (59, True), (59.6, False), (60, False), (120, False)]
)
def test_the_distance_is_measured_from_start_to_start(second: float, refused: bool) -> None:
    cadence, caps = shown_at(0), Frequency(min_seconds_between=60)

    assert cadence.is_too_frequent(caps, NOON_MS + int(second * 1_000)) is refused


@given(seconds=st.lists(st.integers(0, 7_200), max_size=60))
def test_the_distance_holds_in_whatever_order_showings_are_sent(seconds: list[int]) -> None:
    cadence, caps, accepted = Cadence(), Frequency(min_seconds_between=60), list[int]()

    for second in seconds:
        started_ms = NOON_MS + second * 1_000
        if not cadence.is_too_frequent(caps, started_ms):
            cadence.note(started_ms)
            accepted.append(second)

    in_order = sorted(accepted)
    assert all(later - earlier >= 60 for earlier, later in pairwise(in_order))


def test_what_is_older_than_all_that_is_remembered_cannot_show_its_distance() -> None:
    cadence, caps = shown_at(*range(0, 60 * (KEPT_STARTS + 2), 60)), Frequency(min_seconds_between=60)

    assert cadence.is_too_frequent(caps, NOON_MS - HOUR_MS)
    assert not cadence.is_too_frequent(Frequency(), NOON_MS - HOUR_MS)


def test_the_cap_of_an_hour_is_over_with_the_hour() -> None:
    cadence, caps = shown_at(0, 60), Frequency(max_per_hour=2)

    assert cadence.is_too_frequent(caps, NOON_MS + 120_000)
    assert not cadence.is_too_frequent(caps, NOON_MS + HOUR_MS)


def test_an_hour_without_a_showing_begins_a_new_stream() -> None:
    cadence, caps = shown_at(0, 60), Frequency(max_per_stream=2)

    assert cadence.is_too_frequent(caps, NOON_MS + 120_000)
    assert not cadence.is_too_frequent(caps, NOON_MS + 60_000 + HOUR_MS + 1)


def test_what_is_remembered_of_showings_does_not_grow() -> None:
    cadence = shown_at(*range(0, 100 * 3_600, 600))

    assert len(cadence.hours) <= 26
    assert len(cadence.recent) <= KEPT_STARTS


def test_without_caps_nothing_is_too_frequent() -> None:
    assert not shown_at(0).is_too_frequent(Frequency(), NOON_MS)


intervals = st.lists(
    st.tuples(st.integers(0, 6 * SEGMENT_MS), st.integers(1, MAX_SHOWING_MS)).map(
        lambda i: (i[0], i[0] + i[1])
    ),
    max_size=25,
)


@given(intervals=intervals)
def test_no_millisecond_is_ever_taken_twice(intervals: list[tuple[int, int]]) -> None:
    timeline, taken = Timeline(), list[tuple[int, int]]()

    for start, end in intervals:
        meets = any(start < other_end and other_start < end for other_start, other_end in taken)
        assert timeline.overlaps(start, end) is meets
        if not meets:
            timeline.take(start, end)
            taken.append((start, end))


@given(intervals=intervals)
def test_the_segments_of_a_batch_hold_all_that_could_overlap(intervals: list[tuple[int, int]]) -> None:
    whole = Timeline()
    for start, end in intervals[:-1]:
        if not whole.overlaps(start, end):
            whole.take(start, end)

    for start, end in intervals[-1:]:
        near = segments_of([(start, end)])
        part = Timeline({number: whole.segments.get(number, []) for number in near})
        assert part.overlaps(start, end) is whole.overlaps(start, end)


def test_showings_may_touch() -> None:
    timeline = Timeline()
    timeline.take(1_000, 2_000)

    assert not timeline.overlaps(2_000, 3_000)
    assert not timeline.overlaps(0, 1_000)
    assert timeline.overlaps(1_999, 3_000)


def test_a_showing_that_reaches_into_the_next_segment_is_seen_from_there() -> None:
    timeline = Timeline()
    timeline.take(SEGMENT_MS - 5_000, SEGMENT_MS + 5_000)

    assert timeline.overlaps(SEGMENT_MS + 4_000, SEGMENT_MS + 6_000)
    assert segments_of([(SEGMENT_MS + 4_000, SEGMENT_MS + 6_000)]) == [0, 1]


def test_a_segment_of_the_timeline_is_bounded() -> None:
    timeline = Timeline({0: [(at, at + 1) for at in range(0, 2 * MAX_PER_SEGMENT, 2)]})

    assert timeline.is_full(1)
    assert not timeline.is_full(SEGMENT_MS)


def test_the_audience_of_a_showing_is_the_sample_nearest_to_it() -> None:
    before, after = a_full_house(NOON_MS - 10_000, viewers=10), a_full_house(NOON_MS + 4_000, viewers=20)

    assert nearest([before, after], NOON_MS) == after
    assert nearest([before, after], NOON_MS - 4_000) == before
    assert nearest([], NOON_MS) is None


def test_a_bridge_over_an_outage_ends_where_the_stream_was_not_live() -> None:
    live, offline = a_full_house(NOON_MS), a_full_house(NOON_MS + 1_200_000, viewers=0, live=False)

    assert audience_at([live, offline], NOON_MS + 600_000) == offline
    assert audience_at([live], NOON_MS + 600_000) is None


def test_a_sample_of_another_half_hour_bridges_nothing() -> None:
    samples = [a_full_house(NOON_MS), a_full_house(NOON_MS + 2_500_000)]

    assert audience_at(samples, NOON_MS + 600_000) is None


def test_a_creative_is_shown_from_the_files_of_its_placement_best_format_first() -> None:
    participation = an_active_one()

    (slot,) = slots_of([participation], {WINTER_LAUNCH: a_plan()}, {a_picture().asset_id: a_picture()})

    assert slot.urls == ["/media/banner.webp", "/media/banner.png"]
    assert (slot.delivery_slot, slot.media) == (0, "image")


@pytest.mark.parametrize("asset", [None, a_picture(is_ready=False), a_picture(variants=[])])
def test_a_creative_without_a_file_is_not_shown(asset: object) -> None:
    assets = {a_picture().asset_id: asset} if asset else {}

    assert slots_of([an_active_one()], {WINTER_LAUNCH: a_plan()}, assets) == []


def test_whoever_was_not_shown_for_longest_comes_first() -> None:
    fresh, early, late = an_active_one(), an_active_one(), an_active_one()
    early.cadence.note(NOON_MS)
    late.cadence.note(NOON_MS + 1)

    assert in_rotation([late, early, fresh]) == [fresh, early, late]


def test_a_campaign_is_shown_only_between_its_start_and_its_end() -> None:
    assert a_plan(start_at=NOON).is_running(NOON)
    assert not a_plan(end_at=NOON).is_running(NOON)
    assert not a_plan(status="paused").is_running(NOON)
