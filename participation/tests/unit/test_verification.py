import base64
import copy
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from participation.domain.chain import Refusal
from participation.domain.deliveries import MAX_SEQ, Malformed, Showing, proof_of, read
from participation.domain.overlay import Session
from participation.domain.participation import Participation, Party
from participation.domain.timeline import Timeline
from participation.domain.verification import ClockRule, Inspection, Verdict
from participation.tests.mothers import (
    BANNER,
    KEY,
    NOON,
    NOON_MS,
    OverlayPage,
    a_session,
    a_slot,
    an_active_one,
    new_id,
)

RAW_KEY = base64.urlsafe_b64decode(KEY + "=")
TEN_MINUTES_AGO = NOON - timedelta(minutes=10)


class Bench:
    """One participation, one session, and what was accepted so far; each `send` is one batch."""

    def __init__(self, is_clock_on: bool = True, **caps: int) -> None:
        self.participation = an_active_one()
        self.session = a_session(a_slot(self.participation.id, **caps))
        self.page = OverlayPage(self.session.id)
        self.clock = ClockRule(2_000, is_clock_on)
        self.timeline = Timeline()
        self.seen: set[str] = set()

    def twin(self) -> "Bench":
        """The same again, before anything was sent to it."""
        return copy.deepcopy(self)

    def send(self, *batch: Any, session: Session | None = None, now_ms: int = NOON_MS) -> Verdict:
        inspection = Inspection(
            session=session or self.session,
            key=RAW_KEY,
            timeline=self.timeline,
            standings={self.participation.id: self.participation},
            seen=self.seen,
            clock=self.clock,
            now_ms=now_ms,
        )
        verdict = inspection.inspect([read(raw) for raw in batch])
        self.seen |= {accepted.showing.key for accepted in verdict.accepted}
        return verdict

    def show(self, seconds_ago: float = 600, seconds: float = 8, **changes: Any) -> dict[str, Any]:
        return self.page.show(
            self.participation.id, NOON - timedelta(seconds=seconds_ago), seconds, **changes
        )


def reasons(verdict: Verdict) -> list[str]:
    return [refused.reason.value for refused in verdict.refused]


def test_a_proved_showing_is_accepted() -> None:
    bench = Bench()

    verdict = bench.send(bench.show(600), bench.show(590))

    assert (len(verdict.accepted), verdict.refused) == (2, [])


def test_the_proof_is_the_one_of_the_published_definition() -> None:
    page = OverlayPage("ses_first", KEY)
    raw = page.show(new_id("prt"), NOON)

    showing = read(raw)

    assert isinstance(showing, Showing)
    assert proof_of(RAW_KEY, "ses_first", showing) == raw["proof"]


def test_texts_are_proved_exactly_as_they_were_sent() -> None:
    raw = OverlayPage("ses_first").show(new_id("prt"), NOON) | {"started_at": "2026-11-23T13:00:00.5+01:00"}

    showing = read(raw)

    assert isinstance(showing, Showing)
    assert showing.started_at == "2026-11-23T13:00:00.5+01:00"
    assert showing.started_ms == NOON_MS + 500


@pytest.mark.parametrize(
    "change",
    [
        {"id": "not-a-uuid"},
        {"id": 7},
        {"seq": 0},
        {"seq": "1"},
        {"seq": 1.0},
        {"seq": True},
        {"seq": MAX_SEQ + 1},
        {"participation_id": {"$ne": None}},
        {"creative_id": "x" * 10_000},
        {"started_at": "2026-11-23T11:00:00"},
        {"started_at": "2026-13-45T11:00:00Z"},
        {"ended_at": "2026-11-23T11:00:00Z"},
        {"ended_at": "2026-11-23T23:00:00Z"},
        {"visible_ms": -1},
        {"visible_ms": 1e400},
        {"visible_ms": 10**9},
        {"proof": "short"},
        {"proof": None},
        {"viewers": 1_000_000},
    ],
)
def test_what_has_not_the_published_form_is_malformed(change: dict[str, Any]) -> None:
    bench = Bench()

    verdict = bench.send(bench.show(600) | change)

    assert reasons(verdict) == ["malformed"]


@pytest.mark.parametrize("raw", [None, 7, "text", [], {}])
def test_what_is_no_object_is_malformed(raw: Any) -> None:
    assert isinstance(read(raw), Malformed)


def test_the_same_delivery_again_is_replayed() -> None:
    bench = Bench()
    delivery = bench.show(600)
    bench.send(delivery)

    verdict = bench.send(delivery, delivery)

    assert reasons(verdict) == ["replayed", "replayed"]


def test_twice_in_one_batch_counts_once() -> None:
    bench = Bench()
    delivery = bench.show(600)

    verdict = bench.send(delivery, delivery)

    assert len(verdict.accepted) == 1
    assert reasons(verdict) == ["replayed"]


def test_a_used_id_under_a_new_number_is_replayed() -> None:
    bench = Bench()
    first = bench.show(600)
    bench.send(first)

    verdict = bench.send(bench.show(580, id=first["id"].upper()))

    assert reasons(verdict) == ["replayed"]


def test_a_gap_is_refused_until_what_is_missing_has_come() -> None:
    bench = Bench()
    first, second = bench.show(600), bench.show(580)
    gap = bench.send(second)

    verdict = bench.send(first, second)

    assert reasons(gap) == ["out_of_order"]
    assert len(verdict.accepted) == 2


@pytest.mark.parametrize(
    "change", [{"visible_ms": 7_999}, {"creative_id": new_id("crv")}, {"proof": "A" * 43}]
)
def test_a_forged_delivery_breaks_the_chain(change: dict[str, Any]) -> None:
    bench = Bench()

    verdict = bench.send(bench.show(600) | change)

    assert reasons(verdict) == ["broken_chain"]


def test_a_delivery_signed_with_another_key_breaks_the_chain() -> None:
    bench = Bench()
    forger = OverlayPage(bench.session.id, base64.urlsafe_b64encode(b"x" * 32).decode())

    verdict = bench.send(forger.show(bench.participation.id, TEN_MINUTES_AGO))

    assert reasons(verdict) == ["broken_chain"]


@pytest.mark.parametrize("change", [{"visible_ms": 1}, {"proof": "A" * 43}, {"visible_ms": -1}])
@pytest.mark.parametrize("batches", [1, 3])
def test_a_refused_delivery_does_not_break_the_chain_of_those_after_it(
    change: dict[str, Any], batches: int
) -> None:
    bench = Bench()
    chain = [bench.show(600), bench.show(580) | change, bench.show(560)]
    parts = [chain] if batches == 1 else [[delivery] for delivery in chain]

    verdicts = [bench.send(*part) for part in parts]

    assert [one.showing.seq for verdict in verdicts for one in verdict.accepted] == [1, 3]


def test_a_forger_without_the_key_cannot_stop_the_honest_overlay() -> None:
    bench = Bench()
    honest = [bench.show(600), bench.show(580), bench.show(560)]
    forged = [dict(delivery, proof="B" * 43) for delivery in honest]
    bench.send(*forged)

    verdict = bench.send(*honest)

    assert len(verdict.accepted) == 3


REFUSALS: dict[str, tuple[Refusal, Callable[[Bench], dict[str, Any]]]] = {
    "of another's participation": (
        Refusal.UNKNOWN_PARTICIPATION,
        lambda bench: bench.page.show(new_id("prt"), TEN_MINUTES_AGO),
    ),
    "of a creative that is not in the manifest": (
        Refusal.UNKNOWN_CREATIVE,
        lambda bench: bench.show(600, creative_id=new_id("crv")),
    ),
    "that has not ended yet": (Refusal.IN_THE_FUTURE, lambda bench: bench.show(5, seconds=8)),
    "of the day before": (Refusal.TOO_OLD, lambda bench: bench.show(24 * 3_600 + 1)),
    "from before its session": (Refusal.FASTER_THAN_CLOCK, lambda bench: bench.show(3_603)),
    "seen for longer than it lasted": (
        Refusal.FASTER_THAN_CLOCK,
        lambda bench: bench.show(600, seconds=8, visible_ms=8_100),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_proved_showing_is_refused_for_a_reason_and_uses_up_its_number(case: str) -> None:
    bench, (refusal, make) = Bench(), REFUSALS[case]
    bench.participation.periods[0].from_ms -= 48 * 3_600_000
    delivery = make(bench)

    verdict = bench.send(delivery)

    assert reasons(verdict) == [refusal.value]
    assert len(bench.send(bench.show(300)).accepted) == 1


def test_what_began_after_the_session_had_expired_is_refused() -> None:
    bench = Bench()
    bench.session.expires_ms = NOON_MS - 300_000

    verdict = bench.send(bench.show(310), bench.show(290))

    assert [one.showing.seq for one in verdict.accepted] == [1]
    assert reasons(verdict) == ["expired_session"]


def test_a_superseded_session_is_owed_what_it_showed_before() -> None:
    bench = Bench()
    bench.session.superseded_ms = NOON_MS - 300_000

    verdict = bench.send(bench.show(310), bench.show(290))

    assert [one.showing.seq for one in verdict.accepted] == [1]
    assert reasons(verdict) == ["superseded_session"]


def test_what_began_in_a_pause_is_refused_and_what_arrives_in_one_is_not() -> None:
    bench = Bench()
    bench.participation.pause(Party.STREAMER, NOON - timedelta(seconds=300))

    verdict = bench.send(bench.show(310), bench.show(290))

    assert [one.showing.seq for one in verdict.accepted] == [1]
    assert reasons(verdict) == ["not_active"]


def test_after_settlement_nothing_is_accepted() -> None:
    bench = Bench()
    bench.participation.settle(NOON)

    verdict = bench.send(bench.show(310))

    assert reasons(verdict) == ["not_active"]


def test_overlapping_showings_are_refused_also_of_another_session_and_campaign() -> None:
    bench, other = Bench(), an_active_one(campaign_id=new_id("cmp"))
    bench.send(bench.show(600, seconds=8))
    second = a_session(a_slot(other.id))
    inspection = Inspection(
        session=second,
        key=RAW_KEY,
        timeline=bench.timeline,
        standings={other.id: other},
        seen=set(),
        clock=ClockRule(2_000),
        now_ms=NOON_MS,
    )
    at_once = OverlayPage(second.id).show(other.id, NOON - timedelta(seconds=592.5))

    verdict = inspection.inspect([read(at_once)])

    assert reasons(verdict) == ["overlapping"]


def test_the_caps_of_the_campaign_hold() -> None:
    bench = Bench(max_per_hour=2)

    verdict = bench.send(bench.show(600), bench.show(580), bench.show(560))

    assert len(verdict.accepted) == 2
    assert reasons(verdict) == ["too_frequent"]


def test_load_tests_may_make_up_their_time() -> None:
    bench = Bench(is_clock_on=False)

    verdict = bench.send(bench.show(7_200), bench.show(7_100, visible_ms=9_000))

    assert len(verdict.accepted) == 2


def test_a_shuffled_batch_is_accepted_whole() -> None:
    bench = Bench()
    first, second, third = bench.show(600), bench.show(580), bench.show(560)

    verdict = bench.send(third, first, second)

    assert (len(verdict.accepted), verdict.refused) == (3, [])


def test_refusals_are_told_in_the_order_of_sending() -> None:
    bench = Bench()
    first, second, third = bench.show(600), bench.show(580), bench.show(560)
    broken = second | {"visible_ms": 1}

    verdict = bench.send(third | {"proof": "C" * 43}, broken, first)

    assert [refused.id for refused in verdict.refused] == [third["id"], second["id"]]


def totals(participation: Participation, bench: Bench, accepted: list[Any]) -> tuple[Any, ...]:
    spans = sorted(interval for taken in bench.timeline.segments.values() for interval in taken)
    return (sorted(one.showing.id for one in accepted), spans, participation.cadence)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 12),
    gaps=st.lists(st.integers(-6, 30), min_size=12, max_size=12),
    lengths=st.lists(st.sampled_from([0.5, 4, 8]), min_size=12, max_size=12),
    disorder=st.randoms(use_true_random=False),
    copies=st.integers(1, 3),
)
def test_duplicated_shuffled_and_late_batches_change_no_total(
    count: int, gaps: list[int], lengths: list[float], disorder: random.Random, copies: int
) -> None:
    straight = Bench(max_per_hour=40)
    starts = [3_500.0]
    for gap in gaps[: count - 1]:
        starts.append(starts[-1] - 8 - gap)
    chain = [straight.show(ago, seconds) for ago, seconds in zip(starts, lengths, strict=False)]
    crooked = straight.twin()
    expected = straight.send(*chain).accepted

    accepted: list[Any] = []
    minutes_late = 0
    waiting = chain * copies
    while waiting:
        disorder.shuffle(waiting)
        size = disorder.randint(1, len(waiting))
        batch, waiting = waiting[:size], waiting[size:]
        verdict = crooked.send(*batch, now_ms=NOON_MS + minutes_late * 60_000)
        minutes_late += disorder.randint(0, 30)
        accepted += verdict.accepted
        again = {one.id for one in verdict.refused if one.reason is Refusal.OUT_OF_ORDER}
        waiting += [delivery for delivery in batch if delivery["id"] in again]

    assert totals(crooked.participation, crooked, accepted) == totals(
        straight.participation, straight, expected
    )


@settings(max_examples=60, deadline=None)
@given(spans=st.lists(st.tuples(st.integers(10, 3_500), st.integers(1, 120)), min_size=1, max_size=15))
def test_the_accepted_time_never_exceeds_the_real_time(spans: list[tuple[int, int]]) -> None:
    bench = Bench()
    chain = [bench.show(ago, seconds) for ago, seconds in spans]

    verdict = bench.send(*chain)

    shown = sum(one.showing.ended_ms - one.showing.started_ms for one in verdict.accepted)
    assert shown <= NOON_MS - bench.session.issued_ms + 2 * bench.clock.tolerance_ms
    assert all(one.slot.creative_id == BANNER for one in verdict.accepted)
