"""Double entry: accounts, and transactions whose postings sum to zero.

A positive posting increases what the account's owner holds. Money enters and leaves through the
provider's clearing account, which is therefore the only one that may be negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chassis.event import Event
from chassis.money import Money
from payment.domain.errors import InsufficientFunds

PLATFORM = "platform"


class AccountKind(StrEnum):
    BRAND_AVAILABLE = "brand_available"
    CAMPAIGN_ESCROW = "campaign_escrow"
    STREAMER_PENDING = "streamer_pending"
    STREAMER_AVAILABLE = "streamer_available"
    STREAMER_PAYING_OUT = "streamer_paying_out"
    PLATFORM_FEES = "platform_fees"
    PROVIDER_CLEARING = "provider_clearing"


class TransactionKind(StrEnum):
    DEPOSIT = "deposit"
    DEPOSIT_REVERSAL = "deposit_reversal"
    REINSTATEMENT = "reinstatement"
    RESERVATION = "reservation"
    BUDGET_RETURN = "budget_return"
    EARNING = "earning"
    HOLD_RELEASE = "hold_release"
    PAYOUT_REQUEST = "payout_request"
    PAYOUT = "payout"
    PAYOUT_REVERSAL = "payout_reversal"


@dataclass(frozen=True, order=True)
class Account:
    """Identified by kind, owner and currency; `wallet` is the brand or streamer who sees it."""

    kind: AccountKind
    owner: str
    currency: str
    wallet: str | None = field(default=None, compare=False)

    @property
    def may_be_negative(self) -> bool:
        return self.kind == AccountKind.PROVIDER_CLEARING


def brand_available(brand_id: str, currency: str) -> Account:
    return Account(AccountKind.BRAND_AVAILABLE, brand_id, currency, wallet=brand_id)


def campaign_escrow(campaign_id: str, brand_id: str, currency: str) -> Account:
    return Account(AccountKind.CAMPAIGN_ESCROW, campaign_id, currency, wallet=brand_id)


def streamer_account(kind: AccountKind, streamer_id: str, currency: str) -> Account:
    return Account(kind, streamer_id, currency, wallet=streamer_id)


def platform_fees(currency: str) -> Account:
    return Account(AccountKind.PLATFORM_FEES, PLATFORM, currency)


def provider_clearing(provider: str, currency: str) -> Account:
    return Account(AccountKind.PROVIDER_CLEARING, provider, currency)


@dataclass(frozen=True)
class Posting:
    account: Account
    amount: Money


@dataclass(frozen=True)
class Transaction:
    """Immutable. `reference` is what it happened for: a deposit, campaign, participation or payout."""

    id: str
    kind: TransactionKind
    reference: str
    at: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        self.check_has_two_sides()
        self.check_postings_name_their_accounts_currency()
        self.check_sums_to_zero()

    def check_has_two_sides(self) -> None:
        if len(self.postings) < 2 or any(posting.amount.is_zero for posting in self.postings):
            raise ValueError("a transaction has at least two postings, none of them zero")

    def check_postings_name_their_accounts_currency(self) -> None:
        if any(posting.account.currency != posting.amount.currency for posting in self.postings):
            raise ValueError("a posting is in the currency of its account")

    def check_sums_to_zero(self) -> None:
        if any(total.amount_minor for total in sums_by_currency(self.postings).values()):
            raise ValueError("the postings of a transaction sum to zero in each currency")

    @property
    def accounts(self) -> list[Account]:
        """Each account once, in the order in which everybody locks them."""
        return sorted({posting.account for posting in self.postings})


@dataclass(frozen=True)
class Change:
    """What a command did: the transaction to post, if any, and the events that tell of it."""

    transaction: Transaction | None
    events: tuple[Event, ...] = ()


NO_CHANGE = Change(None)


def sums_by_currency(postings: Iterable[Posting]) -> dict[str, Money]:
    sums: dict[str, Money] = {}
    for posting in postings:
        currency = posting.amount.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + posting.amount
    return sums


def transfer(amount: Money, source: Account, target: Account) -> tuple[Posting, ...]:
    return Posting(source, -amount), Posting(target, amount)


def balances_after(transaction: Transaction, balances: Mapping[Account, int]) -> dict[Account, int]:
    """The accounts' new balances in minor units; InsufficientFunds when one would be overdrawn."""
    after = {account: balances[account] for account in transaction.accounts}
    for posting in transaction.postings:
        after[posting.account] += posting.amount.amount_minor
    for account, balance in after.items():
        if balance < 0 and not account.may_be_negative:
            available = Money(balances[account], account.currency)
            raise InsufficientFunds(f"{account.kind} holds {available}", available=available.to_dict())
    return after
