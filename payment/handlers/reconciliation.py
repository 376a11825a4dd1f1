"""Our ledger against a provider's, for an auditor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from chassis.clock import Clock
from chassis.principal import Caller
from payment.domain.errors import PeriodTooLong
from payment.domain.reconciliation import (
    LONGEST,
    MARGIN,
    MOST_MOVEMENTS,
    Cleared,
    Difference,
    DifferenceKind,
    Movement,
    Reconciliation,
    compare,
)
from payment.handlers.ports import PaymentProvider, Payments


@dataclass(frozen=True)
class Period:
    since: datetime
    until: datetime


def reconcile(
    payments: Payments, provider: PaymentProvider, clock: Clock, by: Caller, period: Period
) -> Reconciliation:
    """Asks the provider for all that moved, so it may take some seconds."""
    by.must_be("admin")
    since, until = period.since, min(period.until, clock.now())
    if until - since > LONGEST:
        raise PeriodTooLong(f"a period has at most {LONGEST.days} days")
    first, last = since - MARGIN, min(until + MARGIN, clock.now())
    moved = list(islice(provider.movements(first, last), MOST_MOVEMENTS + 1))
    if len(moved) > MOST_MOVEMENTS:
        raise PeriodTooLong(f"more than {MOST_MOVEMENTS} movements lie in it")

    def read() -> tuple[dict[str, str], list[Cleared], list[tuple[str, str]]]:
        unnamed = [movement.payment for movement in moved if movement.payment is not None]
        return (
            payments.deposits.references(provider.name, unnamed),
            payments.reports.cleared(provider.name, first, last),
            payments.webhooks.contradictions(provider.name, since, until),
        )

    references, cleared, refused = payments.transaction(read)
    found = compare([named(movement, references) for movement in moved], cleared, since, until)
    return Reconciliation(
        provider=provider.name,
        since=since,
        until=until,
        movements=sum(since <= movement.at < until for movement in moved),
        differences=(*found, *contradictions(refused)),
    )


def named(movement: Movement, references: dict[str, str]) -> Movement:
    """What has no reference of ours goes by the provider's name for it, so that it is listed under that."""
    if movement.reference is not None or movement.payment is None:
        return movement
    return replace(movement, reference=references.get(movement.payment, movement.payment))


def contradictions(refused: Sequence[tuple[str, str]]) -> list[Difference]:
    return [Difference(DifferenceKind.CONTRADICTION, event_id, note=note) for event_id, note in refused]
