"""How many people watched: samples of the concurrent viewers, and the one that fits a showing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

FRESH_MS = 300_000
"""An audience that was sampled within five minutes of a showing stands for the showing's own."""

BRIDGE_MS = 1_800_000
"""An outage of ours costs the streamer nothing as long as somebody looked half an hour before and after."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The audience of a streamer at one moment. `platform` and `country` may be unknown."""

    sampled_ms: int
    live: bool
    viewers: int
    platform: str | None = None
    country: str | None = None


def audience_at(samples: Sequence[Sample], at_ms: int) -> Sample | None:
    """Who watched at a moment, by samples in the order of time; None when nobody looked.

    Without a fresh sample the smaller of the audiences before and after stands for what was between.
    Anything else would pay for showings to nobody at the price of a full house hours later.
    """
    after = bisect_left(samples, at_ms, key=lambda sample: sample.sampled_ms)
    around = samples[max(after - 1, 0) : after + 1]
    closest = nearest(around, at_ms)
    if is_fresh(closest, at_ms):
        return closest
    is_bridged = len(around) == 2 and all(abs(sample.sampled_ms - at_ms) <= BRIDGE_MS for sample in around)
    return min(around, key=lambda sample: (sample.live, sample.viewers)) if is_bridged else None


def nobody(at_ms: int) -> Sample:
    """What is credited when the audience of a moment was never sampled."""
    return Sample(at_ms, live=False, viewers=0)


def nearest(samples: Sequence[Sample], at_ms: int) -> Sample | None:
    """The sample nearest to a moment; of two equally near ones the earlier."""
    return min(samples, key=lambda sample: (abs(sample.sampled_ms - at_ms), sample.sampled_ms), default=None)


def is_fresh(sample: Sample | None, at_ms: int) -> bool:
    return sample is not None and abs(sample.sampled_ms - at_ms) <= FRESH_MS
