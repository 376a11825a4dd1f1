"""Answers that were given, kept in Redis for a while under their idempotency keys."""

from __future__ import annotations

from typing import Protocol, cast

import redis
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.retry import Retry

# Redis is near; whoever waits for it longer than this is better served without.
TIMEOUT_SECONDS = 0.25

# What Redis needs for a key and its place in its owner's list, besides the answer itself.
BYTES_BESIDES = 400

FORGOTTEN = Counter("gateway_idempotent_answers_forgotten_total", "Answers that made room for newer ones")

# Only the request that claimed a key may settle or release it.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
# An owner's list has each of its answers with its size, oldest first, and a total beside it. Who is over it
# loses the oldest. A member is the answer's key, a bar, and its size.
SETTLE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local seconds, most, size = tonumber(ARGV[3]), tonumber(ARGV[4]), #ARGV[2] + tonumber(ARGV[5])
redis.call('SET', KEYS[1], ARGV[2], 'EX', seconds)
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local total = tonumber(redis.call('GET', KEYS[3]) or '0')
if redis.call('ZADD', KEYS[2], now, KEYS[1] .. '|' .. size) == 1 then total = total + size end
local function size_of(member) return tonumber(string.match(member, '|(%d+)$')) end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - seconds)) do
  redis.call('ZREM', KEYS[2], member)
  total = total - size_of(member)
end
local forgotten = 0
while total > most do
  local member = redis.call('ZPOPMIN', KEYS[2])[1]
  if not member then total = 0 break end
  redis.call('DEL', string.match(member, '^(.*)|'))
  total = total - size_of(member)
  forgotten = forgotten + 1
end
redis.call('SET', KEYS[3], total, 'EX', seconds)
redis.call('EXPIRE', KEYS[2], seconds)
return forgotten
"""


class StoreUnavailable(Exception):
    """Nothing is known about any key."""


class AnswerStore(Protocol):
    """Every operation may raise StoreUnavailable, having been done or not."""

    def claim(self, key: str, mark: bytes, seconds: int) -> bytes | None:
        """Puts `mark` where nothing is, for that long; what was there already, or None."""
        ...

    def settle(self, key: str, mark: bytes, value: bytes, seconds: int, owner: str) -> None:
        """Puts `value` where `mark` still is; its owner's oldest answers make room for it."""
        ...

    def release(self, key: str, mark: bytes) -> None:
        """Removes `mark` where it still is."""
        ...


class RedisAnswers:
    def __init__(self, url: str, prefix: str, bytes_per_owner: int) -> None:
        self._prefix = prefix
        self._bytes_per_owner = bytes_per_owner
        # Tried again once, for connections that died while they were idle.
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._settle = self._client.register_script(SETTLE)
        self._release = self._client.register_script(RELEASE)

    def claim(self, key: str, mark: bytes, seconds: int) -> bytes | None:
        try:
            found = self._client.set(self._prefix + key, mark, nx=True, get=True, ex=seconds)
        except redis.RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error
        # A claim whose answer was lost is tried again, and then finds itself.
        return None if found == mark else cast(bytes | None, found)

    def settle(self, key: str, mark: bytes, value: bytes, seconds: int, owner: str) -> None:
        keys = [self._prefix + name for name in (key, f"of:{owner}", f"size:{owner}")]
        try:
            forgotten = self._settle(keys, [mark, value, seconds, self._bytes_per_owner, BYTES_BESIDES])
        except redis.RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error
        FORGOTTEN.inc(cast(int, forgotten))

    def release(self, key: str, mark: bytes) -> None:
        try:
            self._release([self._prefix + key], [mark])
        except redis.RedisError as error:
            raise StoreUnavailable(type(error).__name__) from error

    def close(self) -> None:
        self._client.close()
