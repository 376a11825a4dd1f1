"""Money that the provider takes back from a deposit: refunds and disputes, told of in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from chassis.money import Money


class ReversalKind(StrEnum):
    REFUND = "refund"
    DISPUTE = "dispute"


class ReversalStage(StrEnum):
    """The money of an open dispute is gone already; when the dispute is dropped, it comes back."""

    OPEN = "open"
    FINAL = "final"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Reversal:
    """As the provider has it. `payment` is its id of the payment, or of what the payment was ordered with.

    `amount` is all that this refund or dispute has taken so far.
    """

    id: str
    payment: str
    kind: ReversalKind
    reason: str
    amount: Money
    stage: ReversalStage

    @property
    def taken(self) -> Money:
        return self.amount if self.stage != ReversalStage.DROPPED else Money.zero(self.amount.currency)

    def after(self, known: Reversal | None) -> Reversal:
        """What is true once both are known, whichever of them came first."""
        if known is None:
            return self
        if known.stage != self.stage:
            return known if self.stage == ReversalStage.OPEN else self
        return replace(self, amount=max(self.amount, known.amount))


def total_taken(reversals: Iterable[Reversal], currency: str) -> Money:
    return sum((reversal.taken for reversal in reversals), Money.zero(currency))
