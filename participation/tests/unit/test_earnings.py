import pytest
from hypothesis import given
from hypothesis import strategies as st

from participation.domain.earnings import Compensation, Counts, earned_minor, is_qualified
from participation.tests.mothers import HYBRID, a_delivery, an_active_one

CPM = Compensation(type="cpm", cpm_minor=1_234)
FLAT = Compensation(type="flat_rate", flat_minor=5_000, required_deliveries=3)


def counts(qualified: int = 0, impressions: int = 0) -> Counts:
    return Counts(qualified, qualified, impressions)


@pytest.mark.parametrize(
    ("impressions", "earned"), [(0, 0), (1, 1), (999, 1_232), (1_000, 1_234), (1_001, 1_235)]
)
def test_cpm_is_rounded_down_on_the_running_total(impressions: int, earned: int) -> None:
    assert earned_minor(CPM, counts(impressions=impressions)) == earned


@pytest.mark.parametrize(("qualified", "earned"), [(0, 0), (2, 0), (3, 5_000), (300, 5_000)])
def test_the_flat_rate_is_earned_once(qualified: int, earned: int) -> None:
    assert earned_minor(FLAT, counts(qualified=qualified, impressions=10**6)) == earned


def test_hybrid_is_the_sum_of_both() -> None:
    assert earned_minor(HYBRID, counts(qualified=10, impressions=1_000)) == 1_500 + 2_000


def test_a_flat_rate_is_not_paid_for_nothing() -> None:
    assert earned_minor(Compensation(type="flat_rate", flat_minor=5_000), counts()) == 0


@pytest.mark.parametrize(
    ("media", "visible_ms", "live", "qualified"),
    [
        ("image", 999, True, False),
        ("image", 1_000, True, True),
        ("image", 1_000, False, False),
        ("video", 1_999, True, False),
        ("video", 2_000, True, True),
    ],
)
def test_a_showing_qualifies_when_visible_long_enough_on_a_live_stream(
    media: str, visible_ms: int, live: bool, qualified: bool
) -> None:
    assert is_qualified(media, visible_ms, live) is qualified


showings = st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 5_000), st.booleans()), max_size=60)


@given(showings=showings, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_the_size_of_batches_makes_and_loses_no_unit(
    showings: list[tuple[int, int, bool]], sizes: list[int]
) -> None:
    deliveries = [a_delivery(viewers=v, visible_ms=ms, live=live) for v, ms, live in showings]
    at_once, in_batches = an_active_one(), an_active_one()
    at_once.credit(deliveries)

    left = list(deliveries)
    for size in [*sizes, len(left) or 1]:
        in_batches.credit(left[:size])
        del left[:size]

    assert in_batches.counts == at_once.counts
    assert in_batches.earned_minor == at_once.earned_minor


@given(showings=showings)
def test_more_deliveries_never_earn_less(showings: list[tuple[int, int, bool]]) -> None:
    participation, totals = an_active_one(), [0]

    for viewers, visible_ms, live in showings:
        participation.credit([a_delivery(viewers=viewers, visible_ms=visible_ms, live=live)])
        totals.append(participation.earned_minor)

    assert totals == sorted(totals)


def test_each_showing_counts_its_own_audience_and_nothing_is_averaged() -> None:
    showings = [a_delivery(viewers=viewers) for viewers in (100, 200, 600)]

    one_by_one = Counts()
    for showing in showings:
        one_by_one = one_by_one.with_deliveries([showing])

    assert one_by_one.viewer_impressions == 900
