from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.rates.counts import CountsUnavailable, LocalCounts, Spend, Standing
from gateway.rates.limiter import Limiter, LimitsUnavailable, RateLimited, Setup
from gateway.rates.policies import Policy, configured

WIDE, TIGHT = Policy("wide-account", 1000, 60), Policy("tight-address", 10, 60)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Shared:
    """Counts that two workers share, that say how often they were asked, and that can be gone."""

    def __init__(self, clock: Clock) -> None:
        self._counts = LocalCounts(clock)
        self.asked = 0
        self.is_gone = False

    def spend(self, spends: Sequence[Spend]) -> list[Standing]:
        if self.is_gone:
            raise CountsUnavailable("gone")
        self.asked += 1
        return self._counts.spend(spends)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shared(clock: Clock) -> Shared:
    return Shared(clock)


def worker(shared: Shared, clock: Clock, **setup: Any) -> Limiter:
    policies = {policy.name: policy for policy in (WIDE, TIGHT)}
    return Limiter(shared, Setup(policies=policies, workers=2, **setup), clock)


def granted(limiter: Limiter, policy: Policy, count: int, subject: str = "brd_1") -> int:
    return sum(is_granted(limiter, policy, subject) for _ in range(count))


def is_granted(limiter: Limiter, policy: Policy, subject: str = "brd_1") -> bool:
    try:
        return all(taken.is_granted for taken in limiter.take([(policy.name, subject)]))
    except RateLimited:
        return False


def test_a_hot_subject_asks_redis_once_for_many_requests(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)

    assert granted(limiter, WIDE, 400) == 400

    assert shared.asked <= 400 / 25 + 1


def test_many_subjects_are_reported_in_one_question(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    for number in range(80):
        granted(limiter, WIDE, 3, f"brd_{number}")

    limiter.run_once()

    assert shared.asked == 1
    assert shared.spend([Spend("wide-account:60:brd_7", 1000, 60, 0, 0)])[0].remaining == 997


@pytest.mark.parametrize("run", [1, 7, 50])
def test_two_workers_together_exceed_a_quota_by_five_percent_at_most(
    shared: Shared, clock: Clock, run: int
) -> None:
    workers = [worker(shared, clock), worker(shared, clock)]

    total = sum(granted(workers[turn % 2], WIDE, run) for turn in range(3000 // run))

    assert 1000 <= total <= 1050


def test_a_quota_that_is_used_up_at_one_worker_is_found_out_by_the_other(
    shared: Shared, clock: Clock
) -> None:
    first, second = worker(shared, clock), worker(shared, clock)
    granted(first, WIDE, 2000)

    assert granted(second, WIDE, 2000) <= 25


def test_a_small_quota_is_held_exactly(shared: Shared, clock: Clock) -> None:
    workers = [worker(shared, clock), worker(shared, clock)]

    assert sum(granted(workers[turn % 2], TIGHT, 1) for turn in range(40)) == 10


def test_who_is_refused_costs_redis_nothing_until_there_is_room(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    granted(limiter, TIGHT, 11)
    asked = shared.asked

    assert granted(limiter, TIGHT, 1000) == 0
    assert shared.asked == asked

    clock.seconds += 64
    assert granted(limiter, TIGHT, 1) == 1


def test_a_refusal_says_which_limit_and_how_long_to_wait(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    granted(limiter, TIGHT, 10)
    clock.seconds += 20

    with pytest.raises(RateLimited) as refused:
        limiter.take([(WIDE.name, "brd_1"), (TIGHT.name, "brd_1")])

    assert refused.value.extra["violated-policies"] == ["tight-address"]
    assert 40 <= refused.value.extra["retry_after"] <= 43


def test_a_limit_that_is_off_is_not_counted(shared: Shared, clock: Clock) -> None:
    assert worker(shared, clock).take([("off-account", "brd_1")]) == []


def test_without_redis_each_worker_grants_its_share_and_says_so(
    shared: Shared, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    limiter = worker(shared, clock)
    shared.is_gone = True

    assert granted(limiter, TIGHT, 40) == 5
    assert limiter.mode == "local"
    assert granted(limiter, WIDE, 2000) == 500
    assert [taken.is_local for taken in limiter.take([(WIDE.name, "brd_2")])] == [True]
    assert "no longer counted together" in caplog.text


def test_without_redis_nobody_is_served_where_that_is_wanted(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock, is_open_without_redis=False)
    shared.is_gone = True

    with pytest.raises(LimitsUnavailable):
        limiter.take([(TIGHT.name, "brd_1")])

    assert limiter.mode == "closed"


def test_a_redis_that_is_back_is_noticed_and_told_what_was_served_on_credit(
    shared: Shared, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    limiter = worker(shared, clock)
    granted(limiter, WIDE, 20)
    shared.is_gone = True
    limiter.run_once()
    assert limiter.mode == "local"

    shared.is_gone = False
    limiter.run_once()
    assert limiter.mode == "local", "it is not asked more than once a second"
    clock.seconds += 1
    limiter.run_once()

    assert limiter.mode == "shared"
    assert shared.spend([Spend("wide-account:60:brd_1", 1000, 60, 0, 0)])[0].remaining == 980


def test_an_idle_worker_notices_that_redis_is_gone(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    shared.is_gone = True
    clock.seconds += 1

    limiter.run_once()

    assert limiter.mode == "local"


def test_who_is_near_a_limit_gets_no_new_credit_by_keeping_still(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    granted(limiter, WIDE, 2000)

    for _ in range(2):
        clock.seconds += 12
        limiter.run_once()

    assert granted(limiter, WIDE, 100) == 0


def test_subjects_that_went_away_are_forgotten(shared: Shared, clock: Clock) -> None:
    limiter = worker(shared, clock)
    for number in range(50):
        granted(limiter, WIDE, 1, f"brd_{number}")
    limiter.run_once()

    clock.seconds += 61
    limiter.run_once()

    assert limiter.subjects == 0


def test_the_configuration_changes_limits_by_name_and_all_others_by_a_factor() -> None:
    policies = configured(["read-account=5/10", "day-key=off"], factor=2)

    assert policies["read-account"] == Policy("read-account", 5, 10)
    assert "day-key" not in policies
    assert policies["auth-address"].quota == 2 * configured((), 1)["auth-address"].quota


@pytest.mark.parametrize("change", ["read=5/10", "read-account=0/10", "read-account=5", "nobody-key=5/10"])
def test_a_limit_that_makes_no_sense_is_refused_at_the_start(change: str) -> None:
    with pytest.raises(Exception, match="RATE_LIMITS"):
        configured([change], 1)
