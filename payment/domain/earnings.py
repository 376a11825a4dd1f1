"""What a participation earned, posted from the cumulative totals that participation announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.money import Money
from payment.domain.budget import CampaignBudget
from payment.domain.ledger import (
    NO_CHANGE,
    AccountKind,
    Change,
    Posting,
    Transaction,
    TransactionKind,
    platform_fees,
    streamer_account,
)
from payment.events import EarningPosted


@dataclass(frozen=True)
class Accrual:
    """`earned_total` is the gross total so far; `number` counts a participation's accruals from 1."""

    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    earned_total: Money
    number: int


@dataclass(frozen=True)
class Hold:
    """Net earnings that stay pending until `release_at`."""

    transaction_id: str
    streamer_id: str
    amount: Money
    release_at: datetime


@dataclass
class ParticipationEarnings:
    """Totals so far. `accrued` = `gross` + what the escrow could not pay; `fee` is part of `gross`.

    `fee_basis_points` are those of the first accrual: on a running total, another share would take
    back, or take again, for what was posted long ago.
    """

    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    accrued: Money
    gross: Money
    fee: Money
    fee_basis_points: int
    accrual: int = 0
    version: int = 0

    @classmethod
    def nothing_yet(cls, accrual: Accrual, fee_basis_points: int) -> ParticipationEarnings:
        zero = Money.zero(accrual.earned_total.currency)
        return cls(
            accrual.participation_id,
            accrual.campaign_id,
            accrual.brand_id,
            accrual.streamer_id,
            accrued=zero,
            gross=zero,
            fee=zero,
            fee_basis_points=fee_basis_points,
        )

    @property
    def currency(self) -> str:
        return self.accrued.currency

    @property
    def net(self) -> Money:
        return self.gross - self.fee

    @property
    def refused(self) -> Money:
        return self.accrued - self.gross

    def accrue(
        self,
        accrual: Accrual,
        budget: CampaignBudget,
        *,
        transaction_id: str,
        at: datetime,
    ) -> Change:
        """Post what the total adds to what was posted, as far as the escrow goes.

        A total that is not higher than the highest one seen is old news and changes nothing, so
        the order of arrival does not matter.
        """
        if accrual.earned_total <= self.accrued:
            return NO_CHANGE
        budget.refused += accrual.earned_total - self.accrued
        self.accrued, self.accrual = accrual.earned_total, max(self.accrual + 1, accrual.number)
        return self._post_what_is_owed(budget, transaction_id, at)

    def pay_refused(self, budget: CampaignBudget, *, transaction_id: str, at: datetime) -> Change:
        """The budget has grown: what it could not pay before comes first."""
        if self.refused.is_zero or budget.escrow.is_zero:
            return NO_CHANGE
        self.accrual += 1
        return self._post_what_is_owed(budget, transaction_id, at)

    def _post_what_is_owed(self, budget: CampaignBudget, transaction_id: str, at: datetime) -> Change:
        """The fee is the share of the running total, rounded down, so that no unit is lost or made by
        many small postings.
        """
        gross = self._affordable(self.refused, budget)
        fee = (self.gross + gross).share(self.fee_basis_points) - self.fee
        self.gross, self.fee = self.gross + gross, self.fee + fee
        budget.earned += gross
        budget.refused -= gross
        return Change(
            self._transaction(gross, fee, budget, transaction_id, at),
            (self._posted(gross, fee, budget),),
        )

    def _affordable(self, owed: Money, budget: CampaignBudget) -> Money:
        return min(owed, budget.escrow, key=lambda amount: amount.amount_minor)

    def _transaction(
        self, gross: Money, fee: Money, budget: CampaignBudget, transaction_id: str, at: datetime
    ) -> Transaction | None:
        if gross.is_zero:
            return None
        pending = streamer_account(AccountKind.STREAMER_PENDING, self.streamer_id, self.currency)
        postings = (
            Posting(budget.escrow_account, -gross),
            Posting(pending, gross - fee),
            Posting(platform_fees(self.currency), fee),
        )
        moved = tuple(posting for posting in postings if not posting.amount.is_zero)
        return Transaction(transaction_id, TransactionKind.EARNING, self.participation_id, at, moved)

    def _posted(self, gross: Money, fee: Money, budget: CampaignBudget) -> EarningPosted:
        return EarningPosted(
            participation_id=self.participation_id,
            campaign_id=self.campaign_id,
            brand_id=self.brand_id,
            streamer_id=self.streamer_id,
            currency=self.currency,
            accrual=self.accrual,
            gross_minor=gross.amount_minor,
            fee_minor=fee.amount_minor,
            net_minor=(gross - fee).amount_minor,
            gross_total_minor=self.gross.amount_minor,
            fee_total_minor=self.fee.amount_minor,
            net_total_minor=self.net.amount_minor,
            refused_total_minor=self.refused.amount_minor,
            escrow_left_minor=budget.escrow.amount_minor,
        )


def release(streamer_id: str, amount: Money, *, transaction_id: str, at: datetime) -> Transaction:
    """Earnings whose hold has passed become available."""
    postings = (
        Posting(streamer_account(AccountKind.STREAMER_PENDING, streamer_id, amount.currency), -amount),
        Posting(streamer_account(AccountKind.STREAMER_AVAILABLE, streamer_id, amount.currency), amount),
    )
    return Transaction(transaction_id, TransactionKind.HOLD_RELEASE, streamer_id, at, postings)
