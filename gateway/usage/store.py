"""The counts that all workers add to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol, cast

import redis

from chassis.errors import ServiceUnavailable
from gateway.redis_client import impatient

DAYS_KEPT = 90
SECONDS_PER_DAY = 86_400

# A batch that is sent again after a lost answer is recognised for so long; that is tried every second.
BATCH_REMEMBERED_SECONDS = 3_600

OK, ERRORS, LIMITED = "ok", "errors", "limited"


class Count(NamedTuple):
    """Requests of one key on one day (UTC, as a proleptic ordinal) that ended in one way."""

    key_id: str
    day: int
    outcome: str


Counts = Mapping[Count, int]


@dataclass(frozen=True)
class Used:
    """`requests` are all of a day; `errors` those answered with 4xx or 5xx, less the `limited` ones (429)."""

    date: date
    requests: int
    errors: int
    limited: int


class UsageUnavailable(ServiceUnavailable):
    code, title = "usage_unavailable", "What keys were used for cannot be read at the moment"


class Usage(Protocol):
    def add(self, batch_id: str, counts: Counts) -> None:
        """All of them or none, and once under this id; after UsageUnavailable nobody knows which."""
        ...

    def of(self, key_id: str, days: Sequence[date]) -> list[Used]:
        """One for each of these days; UsageUnavailable."""
        ...


# Redis runs a script as a whole, so the mark of a batch and its counts are written together.
ADD = """
if not redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[1]) then return end
for i = 2, #KEYS do
  redis.call('HINCRBY', KEYS[i], ARGV[i * 2 - 1], ARGV[i * 2])
  redis.call('EXPIRE', KEYS[i], ARGV[2])
end
"""


class RedisUsage:
    """A hash per key and day, which is gone a day after it is asked for last."""

    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix
        self._client = impatient(url)
        self._add = self._client.register_script(ADD)

    def add(self, batch_id: str, counts: Counts) -> None:
        days = [self._name(count.key_id, count.day) for count in counts]
        values = [value for count, number in counts.items() for value in (count.outcome, number)]
        seconds = [BATCH_REMEMBERED_SECONDS, (DAYS_KEPT + 1) * SECONDS_PER_DAY]
        try:
            self._add([f"{self._prefix}batch:{batch_id}", *days], [*seconds, *values])
        except redis.RedisError as error:
            raise UsageUnavailable("Try again in a moment.", retry_after=1) from error

    def of(self, key_id: str, days: Sequence[date]) -> list[Used]:
        pipeline = self._client.pipeline(transaction=False)
        for day in days:
            pipeline.hmget(self._name(key_id, day.toordinal()), OK, ERRORS, LIMITED)
        try:
            answers = cast(list[list[bytes | None]], pipeline.execute())
        except redis.RedisError as error:
            raise UsageUnavailable("Try again in a moment.", retry_after=1) from error
        return [
            used(day, *(int(number or 0) for number in answer))
            for day, answer in zip(days, answers, strict=True)
        ]

    def _name(self, key_id: str, day: int) -> str:
        return f"{self._prefix}{key_id}:{day}"

    def close(self) -> None:
        self._client.close()


def used(day: date, ok: int, errors: int, limited: int) -> Used:
    return Used(day, ok + errors + limited, errors, limited)
