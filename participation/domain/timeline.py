"""When a streamer's screen was taken, over all of the streamer's campaigns and sessions.

It is cut into segments of ten minutes, so that accepting a showing reads and writes two or three
small documents however long the stream runs.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

SEGMENT_MS = 600_000

MAX_SHOWING_MS = SEGMENT_MS
"""A longer showing could reach beyond the neighbouring segment, and no creative runs that long."""

MAX_PER_SEGMENT = 1_200
"""One every half second; what is beyond that is no advertisement, and would let a segment grow."""

Interval = tuple[int, int]
"""Start and end in milliseconds of the epoch; the end is not part of it."""


class Timeline:
    """The segments of one streamer's time that a batch may touch. Intervals never overlap."""

    def __init__(self, segments: dict[int, list[Interval]] | None = None) -> None:
        self.segments = {number: sorted(taken) for number, taken in (segments or {}).items()}
        self.changed: set[int] = set()

    def overlaps(self, started_ms: int, ended_ms: int) -> bool:
        """Whether any millisecond of this showing is taken already."""
        return any(
            _meets(self.segments.get(number, []), started_ms, ended_ms)
            for number in segments_around(started_ms, ended_ms)
        )

    def is_full(self, started_ms: int) -> bool:
        return len(self.segments.get(started_ms // SEGMENT_MS, ())) >= MAX_PER_SEGMENT

    def take(self, started_ms: int, ended_ms: int) -> None:
        number = started_ms // SEGMENT_MS
        insort(self.segments.setdefault(number, []), (started_ms, ended_ms))
        self.changed.add(number)


def segments_around(started_ms: int, ended_ms: int) -> range:
    """The segments in which something could overlap this showing."""
    return range(started_ms // SEGMENT_MS - 1, ended_ms // SEGMENT_MS + 1)


def segments_of(intervals: Iterable[Interval]) -> list[int]:
    """All segments that a batch of showings has to look at."""
    return sorted({number for interval in intervals for number in segments_around(*interval)})


def _meets(taken: list[Interval], started_ms: int, ended_ms: int) -> bool:
    after = bisect_left(taken, (started_ms, 0))
    neighbours = taken[max(after - 1, 0) : after + 1]
    return any(start < ended_ms and started_ms < end for start, end in neighbours)
