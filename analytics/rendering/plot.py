"""Where the bars of a chart begin and end, whatever it is drawn with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.domain import MONEY_METRICS, Period, Point, Timeseries
from chassis.money import Money

NAMES = {
    "rendered": "Rendered showings",
    "qualified": "Qualified showings",
    "viewer_impressions": "Estimated viewer-impressions",
    "visible_ms": "Visible milliseconds",
    "gross_minor": "Gross earnings",
    "platform_fee_minor": "Platform fee",
    "net_minor": "Net earnings",
}
MOST_TICKS = 5
MOST_LABELS = 6
LABELS = {"minute": "%H:%M", "hour": "%d %b %H:%M", "day": "%d %b"}

# Each bar leaves a fifth of its place to the gap.
SHARE_OF_BAR = 0.8


@dataclass(frozen=True, slots=True)
class Bar:
    """Shares of the width and of the height, from the upper left; `height` may be nothing."""

    point: Point
    left: float
    width: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """`ticks` are round numbers from the lowest to the highest value, nought among them."""

    points: Sequence[Point]
    ticks: Sequence[int]

    @classmethod
    def of(cls, points: Sequence[Point]) -> Plot:
        return cls(points, round_numbers([point.value for point in points]))

    @property
    def is_empty(self) -> bool:
        return not any(point.value for point in self.points)

    def share(self, value: int) -> float:
        """How far below the upper edge."""
        return (self.ticks[-1] - value) / (self.ticks[-1] - self.ticks[0])

    def bars(self) -> Iterator[Bar]:
        place = 1 / len(self.points)
        for index, point in enumerate(self.points):
            top, bottom = self.share(max(point.value, 0)), self.share(min(point.value, 0))
            left = (index + (1 - SHARE_OF_BAR) / 2) * place
            yield Bar(point, left, place * SHARE_OF_BAR, top, bottom - top)

    def labelled(self) -> Iterator[Bar]:
        """Every so many bars, so that their labels have room."""
        bars = list(self.bars())
        yield from bars[:: -(-len(bars) // MOST_LABELS)]


def round_numbers(values: Sequence[int]) -> list[int]:
    """One, two or five times a power of ten apart, and no more of them than can be read."""
    lowest, highest = min([0, *values]), max([0, *values])
    step = next(step for step in steps() if highest - lowest <= step * (MOST_TICKS - 2))
    first, last = lowest // step, max(-(-highest // step), lowest // step + 1)
    return [number * step for number in range(first, last + 1)]


def steps() -> Iterator[int]:
    magnitude = 1
    while True:
        yield from (magnitude, 2 * magnitude, 5 * magnitude)
        magnitude *= 10


def amount(metric: str, currency: str | None, value: int) -> str:
    if metric in MONEY_METRICS and currency:
        return str(Money(value, currency))
    return f"{value:,}"


def meaning(definition: str) -> str:
    """What people read has its amounts in major units."""
    return definition.replace(", in minor units", "")


def title(timeseries: Timeseries) -> str:
    return f"{NAMES[timeseries.metric]} per {timeseries.bucket}"


def label(bucket: str, at: datetime) -> str:
    return at.strftime(LABELS[bucket])


def span(period: Period) -> str:
    return f"{period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC"
