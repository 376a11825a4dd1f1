"""One contract for the counts of requests, in one process and in Redis."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
import redis

from chassis.testing import eventually
from gateway.rates.counts import Counts, CountsUnavailable, LocalCounts, RedisCounts, Spend

QUOTA, SECONDS = 10, 2


@pytest.fixture(params=["local", "redis"])
def counts(request: pytest.FixtureRequest) -> Iterator[Counts]:
    if request.param == "local":
        yield LocalCounts()
        return
    shared = RedisCounts(request.getfixturevalue("redis_url"), f"test-{uuid.uuid4().hex}:")
    yield shared
    shared.close()


def ask(counts: Counts, owed: int = 0, wanted: int = 1, key: str = "k") -> tuple[bool, int]:
    [standing] = counts.spend([Spend(key, QUOTA, SECONDS, owed, wanted)])
    assert 0 <= standing.seconds <= SECONDS * 1.05
    return standing.is_granted, standing.remaining


def test_no_more_than_the_quota_is_granted(counts: Counts) -> None:
    granted = [ask(counts) for _ in range(12)]

    assert granted == [(True, QUOTA - 1 - n) for n in range(QUOTA)] + [(False, 0)] * 2


def test_what_is_refused_is_not_counted(counts: Counts) -> None:
    for _ in range(30):
        ask(counts)

    def may_again() -> bool:
        return ask(counts)[0]

    eventually(may_again, deadline=SECONDS * 1.5)


def test_what_was_served_on_credit_is_counted_even_beyond_the_quota(counts: Counts) -> None:
    assert ask(counts, owed=QUOTA - 1) == (True, 0)
    assert ask(counts, owed=3, wanted=0) == (False, 0)
    assert ask(counts) == (False, 0)


def test_no_window_of_any_position_sees_more_than_the_quota(counts: Counts) -> None:
    granted: list[float] = []
    ends = time.monotonic() + 2.5 * SECONDS
    while time.monotonic() < ends:
        # Taken before the request, and so never later than the moment that was counted.
        asked_at = time.monotonic()
        if ask(counts)[0]:
            granted.append(asked_at)
        time.sleep(0.02)

    for first, last in zip(granted, granted[QUOTA:], strict=False):
        assert last - first > SECONDS * 0.98
    assert len(granted) >= 2 * QUOTA


def test_the_wait_that_is_named_is_the_wait_that_is_needed(counts: Counts) -> None:
    counts.spend([Spend("k", QUOTA, SECONDS, QUOTA, 0)])
    [refused] = counts.spend([Spend("k", QUOTA, SECONDS, 0, 1)])

    time.sleep(max(refused.seconds - 0.1, 0))
    before = ask(counts)[0]
    time.sleep(0.15)

    assert (before, ask(counts)[0]) == (False, True)


def test_subjects_and_several_questions_at_once_are_kept_apart(counts: Counts) -> None:
    spends = [Spend("a", QUOTA, SECONDS, QUOTA, 1), Spend("b", QUOTA, SECONDS, 0, 1)]

    full, fresh = counts.spend(spends)

    assert (full.is_granted, full.remaining, fresh.is_granted, fresh.remaining) == (False, 0, True, QUOTA - 1)
    assert counts.spend([]) == []


def test_processes_share_what_redis_counts_and_it_forgets_by_itself(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex}:"
    program = (
        "import sys; from gateway.rates.counts import RedisCounts, Spend;"
        "counts = RedisCounts(sys.argv[1], sys.argv[2]);"
        "print(sum(counts.spend([Spend('k', 100, 2, 0, 1)])[0].is_granted for _ in range(80)))"
    )
    command = [sys.executable, "-c", program, redis_url, prefix]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    # They may start further apart than the window is long, which grants more.
    total = sum(int(process.communicate(timeout=60)[0]) for process in running)

    assert total in range(100, 241)
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: client.exists(f"{prefix}k") == 0, deadline=5)


def test_without_redis_nothing_is_known() -> None:
    counts = RedisCounts("redis://127.0.0.1:1/0", "test:")

    with pytest.raises(CountsUnavailable):
        counts.spend([Spend("k", QUOTA, SECONDS, 0, 1)])
