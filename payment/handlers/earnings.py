"""Posting what participations earned, and making it available when the hold has passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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

# One round of the timer releases so many; the rest are released a second later.
HOLDS_PER_ROUND = 1000


@dataclass(frozen=True)
class Terms:
    """What the platform keeps of participations that begin to earn, and how long the rest is held back."""

    fee_basis_points: int
    hold: timedelta


def post_accruals(
    payments: Payments, clock: Clock, new_id: NewId, terms: Terms, events: Sequence[ReceivedEvent]
) -> None:
    """escrow → streamer pending and platform fees, for what the announced totals add.

    One database transaction for all, and one ledger transaction for each participation: of several
    totals the highest says what the others would have.
    """
    accruals = [accrual_of(event) for event in events]
    highest = {a.participation_id: a for a in sorted(accruals, key=lambda a: a.earned_total.amount_minor)}

    def work() -> None:
        budgets = payments.budgets.lock_all(unfunded_of(accruals))
        for accrual in accruals:
            budget = budgets[accrual.campaign_id]
            budget.check_belongs_to(accrual.brand_id)
            check_currency(accrual.earned_total, budget.currency)
        all_earnings = payments.earnings.lock_all(highest.values(), terms.fee_basis_points)
        changes = []
        for key, earnings in sorted(all_earnings.items()):
            budget = budgets[highest[key].campaign_id]
            change = earnings.accrue(highest[key], budget, transaction_id=new_id("txn"), at=clock.now())
            if change.events:
                changes.append((earnings, change))
        keep_postings(payments, terms, changes)
        for campaign_id in sorted({earnings.campaign_id for earnings, _ in changes}):
            payments.budgets.save(budgets[campaign_id])

    payments.transaction(work)


def unfunded_of(accruals: Sequence[Accrual]) -> list[CampaignBudget]:
    """What a campaign's budget is if nobody has heard of it; the order of arrival is not promised."""
    budgets = {
        accrual.campaign_id: CampaignBudget.unfunded(
            accrual.campaign_id, accrual.brand_id, accrual.earned_total.currency
        )
        for accrual in accruals
    }
    return list(budgets.values())


def pay_what_was_refused(
    payments: Payments, clock: Clock, new_id: NewId, terms: Terms, budget: CampaignBudget
) -> None:
    """Called when a locked budget has grown, in the transaction that saves it.

    Waiting for the next accrual would leave a streamer without it whose last showing this was.
    """
    changes = []
    for earnings in payments.earnings.lock_refused(budget.campaign_id):
        change = earnings.pay_refused(budget, transaction_id=new_id("txn"), at=clock.now())
        if change.events:
            changes.append((earnings, change))
    keep_postings(payments, terms, changes)


def keep_postings(
    payments: Payments, terms: Terms, changes: Sequence[tuple[ParticipationEarnings, Change]]
) -> None:
    posted = [
        (earnings, change.transaction) for earnings, change in changes if change.transaction is not None
    ]
    payments.ledger.post(*(transaction for _, transaction in posted))
    payments.holds.add_all(
        [hold for earnings, transaction in posted for hold in holds_of(terms, earnings, transaction)]
    )
    payments.earnings.save_all([(earnings, change.events) for earnings, change in changes])


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


def holds_of(terms: Terms, earnings: ParticipationEarnings, transaction: Transaction) -> list[Hold]:
    release_at = transaction.at + terms.hold
    return [
        Hold(transaction.id, earnings.streamer_id, posting.amount, release_at)
        for posting in transaction.postings
        if posting.account.owner == earnings.streamer_id
    ]


def release_due_holds(payments: Payments, clock: Clock, new_id: NewId) -> int:
    """One round of the timer; answers how many streamers got something.

    One database transaction for all of them, and one ledger transaction for each: a busy platform has
    holds of every streamer due in every round.
    """

    def work() -> int:
        due = of_each_streamer(payments.holds.lock_due(clock.now(), HOLDS_PER_ROUND))
        released = [(holds, released_to(holds, new_id("txn"), clock.now())) for holds in due]
        payments.ledger.post(*(transaction for _, transaction in released))
        payments.holds.mark_released(
            [(holds, transaction.id) for holds, transaction in released],
            [told_of(holds, transaction) for holds, transaction in released],
        )
        return len(released)

    return payments.transaction(work)


def of_each_streamer(holds: Sequence[Hold]) -> list[list[Hold]]:
    """Of each currency, that is."""
    found: dict[tuple[str, str], list[Hold]] = {}
    for hold in holds:
        found.setdefault((hold.streamer_id, hold.amount.currency), []).append(hold)
    return [found[owner] for owner in sorted(found)]


def released_to(holds: Sequence[Hold], transaction_id: str, at: datetime) -> Transaction:
    return release(holds[0].streamer_id, total_of(holds), transaction_id=transaction_id, at=at)


def told_of(holds: Sequence[Hold], transaction: Transaction) -> EarningsReleased:
    return EarningsReleased(
        transaction_id=transaction.id, streamer_id=holds[0].streamer_id, amount=total_of(holds)
    )


def total_of(holds: Sequence[Hold]) -> Money:
    return sum((hold.amount for hold in holds), Money.zero(holds[0].amount.currency))
