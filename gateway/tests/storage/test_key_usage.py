"""One contract for the use of keys, over the fake and over Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import redis

from gateway.tests.conftest import MemoryUsage
from gateway.usage.store import (
    BATCH_REMEMBERED_SECONDS,
    DAYS_KEPT,
    ERRORS,
    LIMITED,
    OK,
    SECONDS_PER_DAY,
    Count,
    RedisUsage,
    Usage,
    UsageUnavailable,
    Used,
)

TODAY = date(2026, 11, 23)
YESTERDAY = TODAY - timedelta(days=1)


def count(outcome: str = OK, day: date = TODAY, key_id: str = "key_1") -> Count:
    return Count(key_id, day.toordinal(), outcome)


@pytest.fixture(params=["memory", "redis"])
def usage(request: pytest.FixtureRequest) -> Iterator[Usage]:
    if request.param == "memory":
        yield MemoryUsage()
        return
    kept = RedisUsage(request.getfixturevalue("redis_url"), f"test-{uuid.uuid4().hex}:")
    yield kept
    kept.close()


def test_what_several_workers_add_is_summed_by_key_day_and_outcome(usage: Usage) -> None:
    usage.add("a", {count(): 3, count(ERRORS): 2, count(day=YESTERDAY): 7})
    usage.add("b", {count(): 4, count(LIMITED): 1, count(key_id="key_2"): 9})

    assert usage.of("key_1", [YESTERDAY, TODAY]) == [Used(YESTERDAY, 7, 0, 0), Used(TODAY, 10, 2, 1)]


def test_a_batch_that_comes_again_changes_nothing(usage: Usage) -> None:
    usage.add("a", {count(): 3})

    usage.add("a", {count(): 3})

    assert usage.of("key_1", [TODAY]) == [Used(TODAY, 3, 0, 0)]


def test_a_day_that_nobody_counted_is_a_zero(usage: Usage) -> None:
    assert usage.of("key_1", [TODAY]) == [Used(TODAY, 0, 0, 0)]
    assert usage.of("key_1", []) == []


def test_redis_forgets_a_day_after_it_is_shown_last(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex}:"
    kept = RedisUsage(redis_url, prefix)

    kept.add("a", {count(): 3})

    with redis.Redis.from_url(redis_url) as client:
        days, batch = client.ttl(f"{prefix}key_1:{TODAY.toordinal()}"), client.ttl(f"{prefix}batch:a")
    assert DAYS_KEPT * SECONDS_PER_DAY < days <= (DAYS_KEPT + 1) * SECONDS_PER_DAY
    assert 0 < batch <= BATCH_REMEMBERED_SECONDS
    kept.close()


def test_a_redis_that_is_gone_is_said_to_be() -> None:
    # Nothing listens on port 1.
    kept = RedisUsage("redis://127.0.0.1:1/0", "test:")

    with pytest.raises(UsageUnavailable):
        kept.add("a", {count(): 1})
    with pytest.raises(UsageUnavailable):
        kept.of("key_1", [TODAY])
