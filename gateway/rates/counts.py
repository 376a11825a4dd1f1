"""Requests counted in a sliding window: in Redis, for all workers together, or in one process.

A window is 20 buckets and the one that is being filled, so that no more than the quota is granted within any
window, and a little less within the longest: the oldest requests are let go a bucket at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, cast

import redis

from gateway.redis_client import impatient

BUCKETS = 20

# A process that is busy with more subjects than this in a minute counts them anew.
MOST_SUBJECTS = 50_000


class CountsUnavailable(Exception):
    """What was to be spent is spent or not."""


class Spend(NamedTuple):
    """`owed` requests were served and are to be counted; `wanted` (0 or 1) more are asked for."""

    key: str
    quota: int
    seconds: int
    owed: int
    wanted: int


class Standing(NamedTuple):
    """Whether what was wanted was granted, how many more there are, and in how long there are more."""

    is_granted: bool
    remaining: int
    seconds: float


class Counts(Protocol):
    def spend(self, spends: Sequence[Spend]) -> list[Standing]:
        """Counts and asks in one step for each; CountsUnavailable."""
        ...


# A check and its set are one script, on Redis' own clock. What is refused is not counted.
SPEND = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local standings = {}
for i, key in ipairs(KEYS) do
  local quota, window, owed, wanted =
    tonumber(ARGV[i * 4 - 3]), tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  local bucket = window / 20
  local current = math.floor(now / bucket)
  local counts, old, used = {}, {}, owed
  local found = redis.call('HGETALL', key)
  for j = 1, #found, 2 do
    local index, count = tonumber(found[j]), tonumber(found[j + 1])
    if index < current - 20 then
      old[#old + 1] = found[j]
    else
      used = used + count
      counts[#counts + 1] = {index, count}
    end
  end
  if #old > 0 then redis.call('HDEL', key, unpack(old)) end
  local granted = 0
  if used + wanted <= quota then granted = wanted end
  used = used + granted
  if owed + granted > 0 then
    redis.call('HINCRBY', key, current, owed + granted)
    redis.call('PEXPIRE', key, window + bucket)
    counts[#counts + 1] = {current, owed + granted}
  end
  table.sort(counts, function(a, b) return a[1] < b[1] end)
  local room, wait = quota - used, 0
  for _, count in ipairs(counts) do
    wait = (count[1] + 21) * bucket - now
    room = room + count[2]
    if room > 0 then break end
  end
  standings[i] = {granted, math.max(quota - used, 0), math.ceil(wait)}
end
return standings
"""


class RedisCounts:
    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix
        self._client = impatient(url)
        self._spend = self._client.register_script(SPEND)

    def spend(self, spends: Sequence[Spend]) -> list[Standing]:
        keys = [self._prefix + spend.key for spend in spends]
        numbers = [
            number
            for spend in spends
            for number in (spend.quota, spend.seconds * 1000, spend.owed, spend.wanted)
        ]
        try:
            answers = cast(list[list[int]], self._spend(keys, numbers))
        except redis.RedisError as error:
            raise CountsUnavailable(type(error).__name__) from error
        return [Standing(bool(granted), left, wait / 1000) for granted, left, wait in answers]

    def close(self) -> None:
        self._client.close()


class LocalCounts:
    """The same in one process, which it dies with. Serves the tests, and a gateway whose Redis is gone."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._buckets: dict[str, dict[int, int]] = {}

    def spend(self, spends: Sequence[Spend]) -> list[Standing]:
        if len(self._buckets) > MOST_SUBJECTS:
            self._buckets.clear()
        return [self._spend_one(spend) for spend in spends]

    def _spend_one(self, spend: Spend) -> Standing:
        width = spend.seconds / BUCKETS
        now = self._now()
        current = int(now // width)
        before = self._buckets.get(spend.key, {})
        counts = {index: count for index, count in before.items() if index >= current - BUCKETS}
        used = sum(counts.values()) + spend.owed
        granted = spend.wanted if used + spend.wanted <= spend.quota else 0
        if spend.owed + granted:
            counts[current] = counts.get(current, 0) + spend.owed + granted
        self._buckets[spend.key] = counts
        remaining = spend.quota - used - granted
        wait = (let_go_first(counts, remaining) + BUCKETS + 1) * width - now if counts else 0.0
        return Standing(bool(granted), max(remaining, 0), wait)


def let_go_first(counts: dict[int, int], remaining: int) -> int:
    """The bucket that makes room for one more when it leaves the window."""
    for index in sorted(counts):
        remaining += counts[index]
        if remaining > 0:
            return index
    return max(counts)
