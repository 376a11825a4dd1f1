"""Reserving a campaign's budget and giving back what was not earned."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.clock import Clock
from chassis.ids import NewId
from chassis.money import Money
from payment.domain.wallet import check_currency
from payment.handlers.earnings import Terms, pay_what_was_refused
from payment.handlers.idempotency import Answer, Attempt, once
from payment.handlers.ports import Payments


@dataclass(frozen=True)
class Reserve:
    campaign_id: str
    brand_id: str
    amount: Money
    idempotency_key: str


@dataclass(frozen=True)
class ReleaseBudget:
    """`earned` is what participation says was earned in all; None when nothing can have been."""

    campaign_id: str
    brand_id: str
    idempotency_key: str
    earned: Money | None = None


def reserve(
    payments: Payments, clock: Clock, new_id: NewId, currency: str, terms: Terms, command: Reserve
) -> Answer:
    """available → escrow, and on to the streamers what the escrow could not pay before.

    Answers {reservation, escrow}.
    """
    check_currency(command.amount, currency)

    def work() -> Answer:
        budget = payments.budgets.lock(command.campaign_id, command.brand_id, currency)
        budget.check_belongs_to(command.brand_id)
        change = budget.reserve(command.amount, transaction_id=new_id("txn"), at=clock.now())
        assert change.transaction is not None
        payments.ledger.post(change.transaction)
        pay_what_was_refused(payments, clock, new_id, terms, budget)
        payments.budgets.save(budget, change.events)
        return {"reservation": change.transaction.id, "escrow": budget.escrow.to_dict()}

    body = {"brand_id": command.brand_id, "amount": command.amount.to_dict()}
    attempt = Attempt.of(f"reserve:{command.campaign_id}", command.idempotency_key, body)
    return once(payments, clock, attempt, work)


def release_budget(
    payments: Payments, clock: Clock, new_id: NewId, currency: str, command: ReleaseBudget
) -> Answer:
    """escrow → available; answers {returned}. EarningsOutstanding until all that was earned is posted."""

    def work() -> Answer:
        budget = payments.budgets.lock(command.campaign_id, command.brand_id, currency)
        budget.check_belongs_to(command.brand_id)
        if command.earned is not None:
            check_currency(command.earned, budget.currency)
            budget.check_earnings_are_posted(command.earned)
        left = budget.escrow
        change = budget.give_back(transaction_id=new_id("txn"), at=clock.now())
        if change.transaction is not None:
            payments.ledger.post(change.transaction)
            payments.budgets.save(budget, change.events)
        return {"returned": left.to_dict()}

    earned = command.earned.to_dict() if command.earned else None
    body = {"brand_id": command.brand_id, "earned": earned}
    attempt = Attempt.of(f"release:{command.campaign_id}", command.idempotency_key, body)
    return once(payments, clock, attempt, work)
