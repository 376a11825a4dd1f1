"""How often one campaign may be shown by one streamer."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import Any, Self

HOUR_MS = 3_600_000

STREAM_GAP_MS = HOUR_MS
"""Platforms do not tell us where a stream ends, so an hour without a showing begins a new one."""

KEPT_HOURS = 26
"""Showings older than 24 h are refused, so no older hour is ever counted again."""

KEPT_STARTS = 240
"""Four hours at the usual one a minute: showings of an earlier session arrive no later than that."""

JITTER_MS = 500
"""A browser's timers are late or early by this much at most, and that is not the streamer's fault."""


@dataclass(frozen=True, slots=True)
class Frequency:
    """The brand's caps. The distance is measured from start to start; None means no cap."""

    min_seconds_between: int | None = None
    max_per_hour: int | None = None
    max_per_stream: int | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> Self:
        data = data or {}
        return cls(data.get("min_seconds_between"), data.get("max_per_hour"), data.get("max_per_stream"))


@dataclass(slots=True)
class Cadence:
    """When a participation was shown lately: of bounded size, whatever the number of showings.

    Whoever signs showings may send them in any order of time, so each keeps its distance from those
    before and after it, and not from the last one alone. `recent` are the latest starts, sorted.
    """

    last_started_ms: int | None = None
    in_stream: int = 0
    hours: dict[int, int] = field(default_factory=dict)
    recent: list[int] = field(default_factory=list)

    def is_too_frequent(self, frequency: Frequency, started_ms: int) -> bool:
        return (
            self._is_too_close(frequency.min_seconds_between, started_ms)
            or _is_reached(frequency.max_per_hour, self.hours.get(started_ms // HOUR_MS, 0))
            or _is_reached(frequency.max_per_stream, 0 if self._begins_stream(started_ms) else self.in_stream)
        )

    def note(self, started_ms: int) -> None:
        """Count a showing that was accepted."""
        hour = started_ms // HOUR_MS
        self.hours[hour] = self.hours.get(hour, 0) + 1
        for old in sorted(self.hours)[:-KEPT_HOURS]:
            del self.hours[old]
        insort(self.recent, started_ms)
        del self.recent[:-KEPT_STARTS]
        self.in_stream = 1 if self._begins_stream(started_ms) else self.in_stream + 1
        self.last_started_ms = max(started_ms, self.last_started_ms or 0)

    def _is_too_close(self, min_seconds: int | None, started_ms: int) -> bool:
        if not min_seconds or not self.recent:
            return False
        after = bisect_left(self.recent, started_ms)
        if after == 0 and len(self.recent) >= KEPT_STARTS:
            return True
        neighbours = self.recent[max(after - 1, 0) : after + 1]
        distance_ms = min_seconds * 1_000 - JITTER_MS
        return any(abs(started_ms - neighbour) < distance_ms for neighbour in neighbours)

    def _begins_stream(self, started_ms: int) -> bool:
        return self.last_started_ms is None or started_ms - self.last_started_ms > STREAM_GAP_MS


def _is_reached(cap: int | None, count: int) -> bool:
    return cap is not None and count >= cap
