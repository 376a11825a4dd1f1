"""Answers that were given, kept in Redis for a while under their idempotency keys."""

from __future__ import annotations

from typing import Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Redis is near; whoever waits for it longer than this is better served without.
TIMEOUT_SECONDS = 0.25

# Only the request that claimed a key may settle it.
SETTLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
"""


class StoreUnavailable(Exception):
    """Nothing is known about any key."""


class AnswerStore(Protocol):
    """Every operation may raise StoreUnavailable, having been done or not."""

    def claim(self, key: str, mark: bytes, seconds: int) -> bytes | None:
        """Puts `mark` where nothing is, for that long; what was there already, or None."""
        ...

    def settle(self, key: str, mark: bytes, value: bytes, seconds: int) -> None:
        """Puts `value` where `mark` still is."""
        ...

    def release(self, key: str, mark: bytes) -> None:
        """Removes `mark` where it still is."""
        ...


class RedisAnswers:
    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix
        # Tried again once, for connections that died while they were idle.
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._settle = self._client.register_script(SETTLE)

    def claim(self, key: str, mark: bytes, seconds: int) -> bytes | None:
        try:
            found = self._client.set(self._prefix + key, mark, nx=True, get=True, ex=seconds)
        except redis.RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error
        # A claim whose answer was lost is tried again, and then finds itself.
        return None if found == mark else cast(bytes | None, found)

    def settle(self, key: str, mark: bytes, value: bytes, seconds: int) -> None:
        try:
            self._settle([self._prefix + key], [mark, value, seconds])
        except redis.RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error

    def release(self, key: str, mark: bytes) -> None:
        self.settle(key, mark, b"", 0)

    def close(self) -> None:
        self._client.close()
