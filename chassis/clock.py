"""Time as a collaborator: handlers are given a clock, domain code is given `now`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present time, aware and in UTC."""


def now() -> datetime:
    """The present time in whole milliseconds, since that is what MongoDB keeps of it."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class SystemClock:
    def now(self) -> datetime:
        return now()


class FixedClock:
    """A clock for tests: it stands still until it is told to advance."""

    def __init__(self, at: datetime) -> None:
        self._now = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
