"""Posting what participations earned, and making it available when the hold has passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import Clock
from chassis.event import ReceivedEvent
from chassis.ids import NewId
from chassis.money import Money
from payment.domain.budget import CampaignBudget
from payment.domain.earnings import Accrual, Hold, ParticipationEarnings, release
from payment.domain.ledger import Change, Transaction
from payment.domain.wallet import check_currency
from payment.events import EarningsReleased
from payment.handlers.ports import Payments

# One round of the timer serves so many streamers; the rest are served a second later.
STREAMERS_PER_ROUND = 200


@dataclass(frozen=True)
class Terms:
    """What the platform keeps of participations that begin to earn, and how long the rest is held back."""

    fee_basis_points: int
    hold: timedelta


def post_accrual(payments: Payments, clock: Clock, new_id: NewId, terms: Terms, event: ReceivedEvent) -> None:
    """escrow → streamer pending and platform fees, for what the announced total adds."""
    accrual = accrual_of(event)

    def work() -> None:
        currency = accrual.earned_total.currency
        budget = payments.budgets.lock(accrual.campaign_id, accrual.brand_id, currency)
        budget.check_belongs_to(accrual.brand_id)
        check_currency(accrual.earned_total, budget.currency)
        earnings = payments.earnings.lock(accrual, terms.fee_basis_points)
        change = earnings.accrue(accrual, budget, transaction_id=new_id("txn"), at=clock.now())
        if not change.events:
            return
        keep_posting(payments, terms, earnings, change)
        payments.budgets.save(budget)

    payments.transaction(work)


def pay_what_was_refused(
    payments: Payments, clock: Clock, new_id: NewId, terms: Terms, budget: CampaignBudget
) -> None:
    """Called when a locked budget has grown, in the transaction that saves it.

    Waiting for the next accrual would leave a streamer without it whose last showing this was.
    """
    for earnings in payments.earnings.lock_refused(budget.campaign_id):
        change = earnings.pay_refused(budget, transaction_id=new_id("txn"), at=clock.now())
        if change.events:
            keep_posting(payments, terms, earnings, change)


def keep_posting(payments: Payments, terms: Terms, earnings: ParticipationEarnings, change: Change) -> None:
    if change.transaction is not None:
        payments.ledger.post(change.transaction)
        hold_back(payments, terms, earnings, change.transaction)
    payments.earnings.save(earnings, change.events)


def accrual_of(event: ReceivedEvent) -> Accrual:
    data = event.data
    return Accrual(
        participation_id=data["participation_id"],
        campaign_id=data["campaign_id"],
        brand_id=data["brand_id"],
        streamer_id=data["streamer_id"],
        earned_total=Money(data["earned_total_minor"], data["currency"]),
        number=data["accrual"],
    )


def hold_back(
    payments: Payments, terms: Terms, earnings: ParticipationEarnings, transaction: Transaction
) -> None:
    pending = [
        posting.amount for posting in transaction.postings if posting.account.owner == earnings.streamer_id
    ]
    for amount in pending:
        release_at = transaction.at + terms.hold
        payments.holds.add(Hold(transaction.id, earnings.streamer_id, amount, release_at))


def release_due_holds(payments: Payments, clock: Clock, new_id: NewId) -> int:
    """One round of the timer; answers how many streamers got something."""
    due = payments.transaction(lambda: payments.holds.due(clock.now(), STREAMERS_PER_ROUND))
    return sum(release_for(payments, clock, new_id, streamer, currency) for streamer, currency in due)


def release_for(payments: Payments, clock: Clock, new_id: NewId, streamer_id: str, currency: str) -> bool:
    def work() -> bool:
        holds = payments.holds.lock_due(streamer_id, currency, clock.now())
        if not holds:
            return False
        amount = sum((hold.amount for hold in holds), Money.zero(currency))
        transaction = release(streamer_id, amount, transaction_id=new_id("txn"), at=clock.now())
        payments.ledger.post(transaction)
        released = EarningsReleased(transaction_id=transaction.id, streamer_id=streamer_id, amount=amount)
        payments.holds.mark_released(holds, transaction.id, [released])
        return True

    return payments.transaction(work)
