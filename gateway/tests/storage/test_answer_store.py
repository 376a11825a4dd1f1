"""One contract for the answers that are kept, over the fake and over Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import redis

from chassis.testing import eventually
from gateway.answer_store import BYTES_BESIDES, AnswerStore, RedisAnswers, StoreUnavailable
from gateway.tests.conftest import MemoryAnswers

# Room for five answers of `ANSWER`.
BYTES_PER_OWNER = 10_000
ANSWER = b"x" * (BYTES_PER_OWNER // 5 - BYTES_BESIDES)


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[AnswerStore]:
    if request.param == "memory":
        yield MemoryAnswers(BYTES_PER_OWNER)
        return
    answers = RedisAnswers(request.getfixturevalue("redis_url"), f"test-{uuid.uuid4().hex}:", BYTES_PER_OWNER)
    yield answers
    answers.close()


def test_a_key_is_claimed_once(store: AnswerStore) -> None:
    assert store.claim("k", b"first", 60) is None
    assert store.claim("k", b"second", 60) == b"first"


def test_a_claim_that_is_repeated_finds_itself(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    assert store.claim("k", b"first", 60) is None


def test_what_was_settled_is_found(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    store.settle("k", b"first", b"answer", 60, "acme")

    assert store.claim("k", b"second", 60) == b"answer"


def test_only_the_claimant_settles_or_releases(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    store.settle("k", b"second", b"answer", 60, "acme")
    store.release("k", b"second")

    assert store.claim("k", b"third", 60) == b"first"


def test_what_was_released_can_be_claimed_again(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    store.release("k", b"first")

    assert store.claim("k", b"second", 60) is None


def keep(store: AnswerStore, key: str, owner: str = "acme", seconds: int = 60) -> None:
    store.claim(key, b"mark", 60)
    store.settle(key, b"mark", ANSWER, seconds, owner)


def is_kept(store: AnswerStore, key: str) -> bool:
    found = store.claim(key, b"another", 60)
    if found is None:
        store.release(key, b"another")
    return found is not None


def test_an_owners_oldest_answers_make_room_for_its_newest_and_for_nobody_elses(store: AnswerStore) -> None:
    keep(store, "globex's", "globex")

    for number in range(8):
        keep(store, f"k{number}")

    assert [number for number in range(8) if is_kept(store, f"k{number}")] == [3, 4, 5, 6, 7]
    assert is_kept(store, "globex's")


def test_answers_whose_time_is_over_take_no_room(redis_url: str) -> None:
    store = RedisAnswers(redis_url, f"test-{uuid.uuid4().hex}:", BYTES_PER_OWNER)
    for number in range(5):
        keep(store, f"k{number}", seconds=1)
    eventually(lambda: not is_kept(store, "k4"), deadline=5)

    for number in range(5, 10):
        keep(store, f"k{number}")

    assert all(is_kept(store, f"k{number}") for number in range(5, 10))
    store.close()


def test_nothing_stays_for_ever_in_redis(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex}:"
    store = RedisAnswers(redis_url, prefix, BYTES_PER_OWNER)
    with redis.Redis.from_url(redis_url) as client:
        store.claim("k", b"first", 60)
        pending = client.ttl(f"{prefix}k")
        store.settle("k", b"first", b"answer", 3600, "acme")
        settled = client.ttl(f"{prefix}k")

        beside = [client.ttl(f"{prefix}{name}:acme") for name in ("of", "size")]

    assert 0 < pending <= 60 < settled <= 3600
    assert all(60 < seconds <= 3600 for seconds in beside)
    store.close()


def test_a_redis_that_is_gone_is_said_to_be() -> None:
    # Nothing listens on port 1.
    store = RedisAnswers("redis://127.0.0.1:1/0", "test:", BYTES_PER_OWNER)

    with pytest.raises(StoreUnavailable):
        store.claim("k", b"first", 60)
    with pytest.raises(StoreUnavailable):
        store.release("k", b"first")
