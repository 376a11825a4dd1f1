"""One contract for the answers that are kept, over the fake and over Redis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import redis

from gateway.answer_store import AnswerStore, RedisAnswers, StoreUnavailable
from gateway.tests.conftest import MemoryAnswers


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[AnswerStore]:
    if request.param == "memory":
        yield MemoryAnswers()
        return
    answers = RedisAnswers(request.getfixturevalue("redis_url"), f"test-{uuid.uuid4().hex}:")
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

    store.settle("k", b"first", b"answer", 60)

    assert store.claim("k", b"second", 60) == b"answer"


def test_only_the_claimant_settles_or_releases(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    store.settle("k", b"second", b"answer", 60)
    store.release("k", b"second")

    assert store.claim("k", b"third", 60) == b"first"


def test_what_was_released_can_be_claimed_again(store: AnswerStore) -> None:
    store.claim("k", b"first", 60)

    store.release("k", b"first")

    assert store.claim("k", b"second", 60) is None


def test_nothing_stays_for_ever_in_redis(redis_url: str) -> None:
    prefix = f"test-{uuid.uuid4().hex}:"
    store = RedisAnswers(redis_url, prefix)
    with redis.Redis.from_url(redis_url) as client:
        store.claim("k", b"first", 60)
        pending = client.ttl(f"{prefix}k")
        store.settle("k", b"first", b"answer", 3600)
        settled = client.ttl(f"{prefix}k")

    assert 0 < pending <= 60 < settled <= 3600
    store.close()


def test_a_redis_that_is_gone_is_said_to_be() -> None:
    # Nothing listens on port 1.
    store = RedisAnswers("redis://127.0.0.1:1/0", "test:")

    with pytest.raises(StoreUnavailable):
        store.claim("k", b"first", 60)
    with pytest.raises(StoreUnavailable):
        store.release("k", b"first")
