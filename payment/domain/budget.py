"""A campaign's budget: what was put into escrow, earned from it, and given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.money import Money
from payment.domain.errors import CampaignNotFound, EarningsOutstanding
from payment.domain.ledger import (
    NO_CHANGE,
    Account,
    Change,
    Transaction,
    TransactionKind,
    brand_available,
    campaign_escrow,
    transfer,
)
from payment.events import BudgetReserved, BudgetReturned


@dataclass
class CampaignBudget:
    """Invariant: escrow = reserved - earned - returned, which is also the escrow account's balance.

    `refused` is what streamers would have earned if the escrow had sufficed; while there is any, the
    escrow is empty.
    """

    campaign_id: str
    brand_id: str
    reserved: Money
    earned: Money
    refused: Money
    returned: Money
    version: int = 0

    @classmethod
    def unfunded(cls, campaign_id: str, brand_id: str, currency: str) -> CampaignBudget:
        zero = Money.zero(currency)
        return cls(campaign_id, brand_id, reserved=zero, earned=zero, refused=zero, returned=zero)

    @property
    def currency(self) -> str:
        return self.reserved.currency

    @property
    def escrow(self) -> Money:
        return self.reserved - self.earned - self.returned

    @property
    def escrow_account(self) -> Account:
        return campaign_escrow(self.campaign_id, self.brand_id, self.currency)

    @property
    def brand_account(self) -> Account:
        return brand_available(self.brand_id, self.currency)

    def check_belongs_to(self, brand_id: str) -> None:
        if self.brand_id != brand_id:
            raise CampaignNotFound()

    def check_earnings_are_posted(self, earned: Money) -> None:
        """`earned` is what participation says was earned in all, funded or not."""
        known = self.earned + self.refused
        if known < earned:
            raise EarningsOutstanding(f"{known} of {earned} has arrived")

    def reserve(self, amount: Money, *, transaction_id: str, at: datetime) -> Change:
        self.reserved += amount
        postings = transfer(amount, self.brand_account, self.escrow_account)
        return Change(
            Transaction(transaction_id, TransactionKind.RESERVATION, self.campaign_id, at, postings),
            (BudgetReserved(campaign_id=self.campaign_id, brand_id=self.brand_id, amount=amount),),
        )

    def give_back(self, *, transaction_id: str, at: datetime) -> Change:
        """Everything that is left in escrow returns to the brand; nothing happens when nothing is left."""
        left = self.escrow
        if left.is_zero:
            return NO_CHANGE
        self.returned += left
        postings = transfer(left, self.escrow_account, self.brand_account)
        return Change(
            Transaction(transaction_id, TransactionKind.BUDGET_RETURN, self.campaign_id, at, postings),
            (BudgetReturned(campaign_id=self.campaign_id, brand_id=self.brand_id, amount=left),),
        )
