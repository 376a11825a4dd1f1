"""What payment tells the others. Amounts in `*_minor` fields are minor units of `currency`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chassis.event import Event
from chassis.money import Money


@dataclass(frozen=True, kw_only=True)
class DepositSucceeded(Event):
    """The provider confirmed the payment and the brand's wallet was credited."""

    type: ClassVar[str] = "deposit_succeeded"
    aggregate: ClassVar[str] = "deposit_id"
    deposit_id: str
    brand_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class DepositReversed(Event):
    """A refund or a dispute took money of a deposit back, and the wallet gave this much of it."""

    type: ClassVar[str] = "deposit_reversed"
    aggregate: ClassVar[str] = "deposit_id"
    deposit_id: str
    brand_id: str
    amount: Money
    reason: str


@dataclass(frozen=True, kw_only=True)
class DepositReinstated(Event):
    """What a dispute had taken from a deposit came back to the wallet."""

    type: ClassVar[str] = "deposit_reinstated"
    aggregate: ClassVar[str] = "deposit_id"
    deposit_id: str
    brand_id: str
    amount: Money
    reason: str


@dataclass(frozen=True, kw_only=True)
class BudgetReserved(Event):
    """Money moved from the brand's wallet into the campaign's escrow."""

    type: ClassVar[str] = "budget_reserved"
    aggregate: ClassVar[str] = "campaign_id"
    campaign_id: str
    brand_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class BudgetReturned(Event):
    """What was left in the campaign's escrow went back to the brand's wallet."""

    type: ClassVar[str] = "budget_returned"
    aggregate: ClassVar[str] = "campaign_id"
    campaign_id: str
    brand_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class EarningPosted(Event):
    """An accrual was posted, as far as the escrow went.

    The first three amounts are what this posting moved, the totals are the participation's so far.
    `refused_total_minor` is what was accrued beyond the escrow; it falls when the budget grows.
    `accrual` rises with each posting of the participation, so that no two have the same.
    """

    type: ClassVar[str] = "earning_posted"
    aggregate: ClassVar[str] = "participation_id"
    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    currency: str
    accrual: int
    gross_minor: int
    fee_minor: int
    net_minor: int
    gross_total_minor: int
    fee_total_minor: int
    net_total_minor: int
    refused_total_minor: int
    escrow_left_minor: int


@dataclass(frozen=True, kw_only=True)
class EarningsReleased(Event):
    """The hold on some earnings passed: the streamer may have them paid out."""

    type: ClassVar[str] = "earnings_released"
    aggregate: ClassVar[str] = "transaction_id"
    transaction_id: str
    streamer_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class PayoutRequested(Event):
    """Money was set aside for a payout."""

    type: ClassVar[str] = "payout_requested"
    aggregate: ClassVar[str] = "payout_id"
    payout_id: str
    streamer_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class PayoutPaid(Event):
    """The provider paid; the statement is there."""

    type: ClassVar[str] = "payout_paid"
    aggregate: ClassVar[str] = "payout_id"
    payout_id: str
    streamer_id: str
    amount: Money
    statement_id: str


@dataclass(frozen=True, kw_only=True)
class PayoutFailed(Event):
    """The provider did not pay; the money is available again."""

    type: ClassVar[str] = "payout_failed"
    aggregate: ClassVar[str] = "payout_id"
    payout_id: str
    streamer_id: str
    amount: Money
    reason: str
