"""How many people watched: samples of the concurrent viewers, and the one that fits a showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FRESH_MS = 300_000
"""While nobody can sample the audience, one that was sampled within five minutes still stands for it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The audience of a streamer at one moment. `platform` and `country` may be unknown."""

    sampled_ms: int
    live: bool
    viewers: int
    platform: str | None = None
    country: str | None = None


def nearest(samples: Sequence[Sample], at_ms: int) -> Sample | None:
    """The sample nearest to a moment; of two equally near ones the earlier."""
    return min(samples, key=lambda sample: (abs(sample.sampled_ms - at_ms), sample.sampled_ms), default=None)


def is_fresh(sample: Sample | None, at_ms: int) -> bool:
    return sample is not None and abs(sample.sampled_ms - at_ms) <= FRESH_MS
