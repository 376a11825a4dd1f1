"""Our ledger held against the provider's: what moved there, what was posted here, and each difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chassis.money import Money

# What moved just before midnight is posted just after it: a movement is looked for a day before and after.
MARGIN = timedelta(days=1)

# PayPal answers for at most 31 days, and the margin is asked for as well.
LONGEST = timedelta(days=28)

# So much is compared in memory and within one request; more wants a shorter period.
MOST_MOVEMENTS = 10_000


class MovementKind(StrEnum):
    DEPOSIT = "deposit"
    REVERSAL = "reversal"
    PAYOUT = "payout"


@dataclass(frozen=True)
class Movement:
    """At the provider. Positive amounts came, before its charges.

    `reference` is our own id; where the provider does not say it, `payment` is its id of the payment.
    """

    id: str
    kind: MovementKind
    amount: Money
    at: datetime
    reference: str | None = None
    payment: str | None = None


@dataclass(frozen=True)
class Cleared:
    """In our ledger: positive amounts came. `reference` is a deposit or a payout."""

    kind: MovementKind
    reference: str
    amount: Money
    at: datetime


class DifferenceKind(StrEnum):
    NOT_IN_LEDGER = "not_in_ledger"
    NOT_AT_PROVIDER = "not_at_provider"
    AMOUNT_DIFFERS = "amount_differs"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Difference:
    """`kind` of the movement is None for a webhook that was refused because of what it says."""

    difference: DifferenceKind
    reference: str
    kind: MovementKind | None = None
    at_provider: Money | None = None
    in_ledger: Money | None = None
    note: str | None = None


@dataclass(frozen=True)
class Reconciliation:
    provider: str
    since: datetime
    until: datetime
    movements: int
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        return not self.differences


Subject = tuple[str, MovementKind, str]


def compare(
    movements: Iterable[Movement], cleared: Iterable[Cleared], since: datetime, until: datetime
) -> list[Difference]:
    """Each movement's `reference` is set. What lies in the margins alone is not looked at."""
    there = [(m.reference or m.id, m.kind, m.amount, m.at) for m in movements]
    here = [(c.reference, c.kind, c.amount, c.at) for c in cleared]
    wanted = {(reference, kind, a.currency) for reference, kind, a, at in there + here if since <= at < until}
    at_provider, in_ledger = totals(there), totals(here)
    found = (
        difference(subject, at_provider.get(subject, 0), in_ledger.get(subject, 0))
        for subject in sorted(wanted)
    )
    return [each for each in found if each is not None]


def totals(rows: Iterable[tuple[str, MovementKind, Money, datetime]]) -> dict[Subject, int]:
    sums: dict[Subject, int] = defaultdict(int)
    for reference, kind, amount, _ in rows:
        sums[reference, kind, amount.currency] += amount.amount_minor
    return sums


def difference(subject: Subject, there: int, here: int) -> Difference | None:
    if there == here:
        return None
    reference, kind, currency = subject
    named = DifferenceKind.AMOUNT_DIFFERS
    if here == 0:
        named = DifferenceKind.NOT_IN_LEDGER
    elif there == 0:
        named = DifferenceKind.NOT_AT_PROVIDER
    return Difference(named, reference, kind, Money(there, currency), Money(here, currency))
