"""One row of the benchmark: rounds on both sides in turn, their medians, and the ratio."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Round = Callable[[], float]


@dataclass(frozen=True)
class Target:
    """What the row has to reach. A ratio is better when it is higher, also for times."""

    at_least: float | None = None
    at_most: float | None = None

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"

    def is_met_by(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most


@dataclass(frozen=True)
class Row:
    """A finished measurement. `ours` and `peer` hold one figure per round, in the order of the rounds."""

    name: str
    what: str
    unit: str
    higher_is_better: bool
    target: Target
    ours: Sequence[float]
    peer_name: str = ""
    peer: Sequence[float] = ()
    details: str = ""

    @property
    def our_median(self) -> float:
        return statistics.median(self.ours)

    @property
    def peer_median(self) -> float:
        return statistics.median(self.peer)

    @property
    def value(self) -> float:
        """The figure that the target is about: the ratio, or our own median where there is no peer."""
        return self.ratio if self.peer else self.our_median

    @property
    def ratio(self) -> float:
        """How many times better we are than the peer."""
        better, worse = self.our_median, self.peer_median
        return better / worse if self.higher_is_better else worse / better

    @property
    def is_met(self) -> bool:
        return self.target.is_met_by(self.value)

    def to_dict(self) -> dict[str, Any]:
        found = {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "rounds": len(self.ours),
            "ours_median": self.our_median,
            "ours_rounds": list(self.ours),
            "value": self.value,
            "target": str(self.target),
            "met": self.is_met,
        }
        if self.peer:
            found |= {
                "peer": self.peer_name,
                "peer_median": self.peer_median,
                "peer_rounds": list(self.peer),
                "ratio": self.ratio,
            }
        return found | ({"details": self.details} if self.details else {})


def in_turn(
    ours: Round, peer: Round, rounds: int, tell: Callable[[int, float, float], None]
) -> tuple[list[float], list[float]]:
    """Run both sides once per round. Who begins changes, since the first one warms the broker."""
    found: dict[Round, list[float]] = {ours: [], peer: []}
    for number in range(rounds):
        for side in (ours, peer) if number % 2 == 0 else (peer, ours):
            found[side].append(side())
        tell(number + 1, found[ours][-1], found[peer][-1])
    return found[ours], found[peer]
