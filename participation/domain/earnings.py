"""What a participation has earned: a pure function of frozen terms and accepted deliveries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from participation.events import FrozenTerms

CPM, FLAT_RATE, HYBRID = "cpm", "flat_rate", "hybrid"

FORMULA = "v1"
"""Version of the rules in this module; it is stored with every delivery that they counted."""

THRESHOLD_MS = {"image": 1_000, "video": 2_000}
"""How long a creative must be visible without a break (MRC viewable impression guideline, desktop)."""


def is_qualified(media: str, visible_ms: int, live: bool) -> bool:
    """Whether a showing counts: visible for long enough while the stream was live."""
    return live and visible_ms >= THRESHOLD_MS[media]


@dataclass(frozen=True, slots=True)
class Compensation:
    """What the brand pays, in minor units: per 1,000 impressions, once for enough showings, or both."""

    type: str
    cpm_minor: int = 0
    flat_minor: int = 0
    required_deliveries: int = 0

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        figures = {name: data.get(name) or 0 for name in ("cpm_minor", "flat_minor", "required_deliveries")}
        return cls(type=data["type"], **figures)


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed on approval: the compensation, and the streamer's platforms at that moment."""

    compensation: Compensation
    currency: str
    frozen_at: datetime
    platforms: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> FrozenTerms:
        own = self.compensation
        return FrozenTerms(
            compensation=own.type,
            cpm_minor=own.cpm_minor,
            flat_minor=own.flat_minor,
            required_deliveries=own.required_deliveries,
            currency=self.currency,
            frozen_at=self.frozen_at,
            platforms=self.platforms,
        )

    @classmethod
    def heard(cls, told: FrozenTerms) -> Self:
        """The inverse of `told`."""
        return cls(
            Compensation(told.compensation, told.cpm_minor, told.flat_minor, told.required_deliveries),
            told.currency,
            told.frozen_at,
            told.platforms,
        )


class Counted(Protocol):
    """The part of a stored delivery from which the figures follow."""

    @property
    def media(self) -> str: ...

    @property
    def visible_ms(self) -> int: ...

    @property
    def live(self) -> bool: ...

    @property
    def viewers(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """Three figures kept apart: shown, shown for long enough, and the estimated audience of the latter."""

    rendered: int = 0
    qualified: int = 0
    viewer_impressions: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.rendered + other.rendered,
            self.qualified + other.qualified,
            self.viewer_impressions + other.viewer_impressions,
        )

    def with_deliveries(self, deliveries: Iterable[Counted]) -> Counts:
        rendered, qualified, impressions = self.rendered, self.qualified, self.viewer_impressions
        for delivery in deliveries:
            rendered += 1
            if is_qualified(delivery.media, delivery.visible_ms, delivery.live):
                qualified += 1
                impressions += delivery.viewers
        return Counts(rendered, qualified, impressions)


def earned_minor(compensation: Compensation, counts: Counts) -> int:
    """The gross total in minor units; it never falls when deliveries are added.

    The cpm part is rounded down once, on the running total, so that the order and the size of
    batches make no difference and no unit is lost or made.
    """
    total = 0
    if compensation.type in (CPM, HYBRID):
        total += compensation.cpm_minor * counts.viewer_impressions // 1_000
    if compensation.type in (FLAT_RATE, HYBRID) and counts.qualified >= max(
        1, compensation.required_deliveries
    ):
        total += compensation.flat_minor
    return total
