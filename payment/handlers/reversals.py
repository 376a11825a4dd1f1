"""Refunds and disputes: what the provider took back leaves the wallet, as far as the wallet goes."""

from __future__ import annotations

from chassis.clock import Clock
from chassis.ids import NewId
from payment.domain.deposit import Deposit
from payment.domain.ledger import NO_CHANGE, Change
from payment.domain.reversal import Reversal, total_taken
from payment.handlers.ports import Payments

COLLECTED_PER_ROUND = 50


def apply_reversal(payments: Payments, clock: Clock, new_id: NewId, provider: str, found: Reversal) -> None:
    """Any number of times, in any order. DepositNotFound while the payment is not known yet."""

    def work() -> None:
        deposit = payments.deposits.lock_by_payment(provider, found.payment)
        deposit.check_covers(found)
        known = {reversal.id: reversal for reversal in payments.reversals.of_deposit(deposit.id)}
        known[found.id] = found.after(known.get(found.id))
        payments.reversals.keep(deposit, known[found.id], clock.now())
        deposit.owe(total_taken(known.values(), deposit.amount.currency))
        change = even_out(payments, clock, new_id, deposit)
        payments.deposits.save(deposit, change.events)

    payments.transaction(work)


def collect_reversals(payments: Payments, clock: Clock, new_id: NewId) -> int:
    """One round of the timer: takes what a wallet could not give before; how many were tried."""
    due = payments.transaction(lambda: payments.deposits.outstanding(clock.now(), COLLECTED_PER_ROUND))
    for deposit_id in due:
        collect(payments, clock, new_id, deposit_id)
    return len(due)


def collect(payments: Payments, clock: Clock, new_id: NewId, deposit_id: str) -> None:
    def work() -> None:
        deposit = payments.deposits.lock(deposit_id)
        change = even_out(payments, clock, new_id, deposit)
        deposit.looked_up(clock.now())
        payments.deposits.save(deposit, change.events)

    payments.transaction(work)


def even_out(payments: Payments, clock: Clock, new_id: NewId, deposit: Deposit) -> Change:
    """Posts what the wallet can give of what is owed. Called inside a transaction that holds the deposit."""
    if deposit.outstanding.is_zero:
        return NO_CHANGE
    held = payments.ledger.balance(deposit.wallet)
    reason = reason_for(payments, deposit)
    change = deposit.reverse(held, reason, transaction_id=new_id("txn"), at=clock.now())
    if change.transaction is not None:
        payments.ledger.post(change.transaction)
    return change


def reason_for(payments: Payments, deposit: Deposit) -> str:
    """As the provider gave them, the latest last."""
    found = payments.reversals.of_deposit(deposit.id)
    return "; ".join(f"{reversal.kind} {reversal.id}: {reversal.reason}" for reversal in found)
