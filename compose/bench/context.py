"""What a row is given: its processes, the stack, and the rounds."""

from collections.abc import Mapping
from dataclasses import dataclass

from compose.bench.fleet import Fleet
from compose.bench.measure import Round, in_turn
from compose.progress import say
from compose.stack import Stack


@dataclass(frozen=True)
class Context:
    name: str
    rounds: int
    stack: Stack
    fleet: Fleet
    environ: Mapping[str, str]

    def in_turn(self, ours: Round, peer: Round) -> tuple[list[float], list[float]]:
        return in_turn(ours, peer, self.rounds, self._tell)

    def alone(self, ours: Round) -> list[float]:
        """For a row without a peer."""
        found: list[float] = []
        for number in range(1, self.rounds + 1):
            found.append(ours())
            say(f"{self.name} {number} of {self.rounds}: {found[-1]:,.3g}")
        return found

    def _tell(self, number: int, ours: float, peer: float) -> None:
        say(f"{self.name} {number} of {self.rounds}: ours {ours:,.4g}, peer {peer:,.4g}")
