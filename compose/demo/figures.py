"""The books compared: what the deliveries say, what the ledger says, what analytics says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BASIS_POINTS = 10_000


@dataclass(frozen=True)
class Counted:
    """What one participation delivered, counted by the demo itself."""

    rendered: int
    qualified: int
    viewer_impressions: int


@dataclass(frozen=True)
class Difference:
    """A figure on which two books do not agree."""

    figure: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.figure}: expected {self.expected}, found {self.found}"


def count(deliveries: Iterable[Mapping[str, Any]]) -> Counted:
    """Count a participation's accepted deliveries."""
    rendered = qualified = impressions = 0
    for delivery in deliveries:
        rendered += 1
        if delivery["qualified"]:
            qualified += 1
            impressions += delivery["viewers"]
    return Counted(rendered, qualified, impressions)


def earned(compensation: Mapping[str, Any], counted: Counted) -> int:
    """The gross earnings in minor units: cpm rounded down on the total, flat once it is reached."""
    total = 0
    if compensation["type"] in ("cpm", "hybrid"):
        total += compensation["cpm_minor"] * counted.viewer_impressions // 1000
    reached = counted.qualified >= compensation["required_deliveries"]
    if compensation["type"] in ("flat_rate", "hybrid") and reached:
        total += compensation["flat_minor"]
    return total


def fee(gross: int, fee_basis_points: int) -> int:
    """The platform's share of one participation, rounded down on its total."""
    return gross * fee_basis_points // BASIS_POINTS


def differences(expected: Mapping[str, Any], found: Mapping[str, Any], book: str) -> list[Difference]:
    """The figures of a book that are not what they should be; a missing one is a difference too."""
    return [
        Difference(f"{book}.{figure}", value, found.get(figure))
        for figure, value in expected.items()
        if found.get(figure) != value
    ]
