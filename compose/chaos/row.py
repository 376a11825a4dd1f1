"""What a row is, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compose.chaos.rig import Rig
    from compose.stack import Stack


@dataclass
class Findings:
    """`violations` is empty when the promise was kept."""

    figures: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A promise by its name, how it is tried, and the guards without which it has to break."""

    name: str
    promise: str
    run: Callable[[Rig, int], Findings]
    guards: Sequence[str]
    count: int
    count_without_guard: int


@dataclass(frozen=True)
class Trial:
    """How a row of the whole platform is to be tried."""

    seed: int
    count: int
    guard_off: str
    say: Callable[[str], None]


@dataclass(frozen=True)
class PlatformRow:
    """A promise of the whole platform."""

    name: str
    promise: str
    run: Callable[[Stack, Trial], Findings]
    guards: Sequence[str]
    count: int
    count_without_guard: int
