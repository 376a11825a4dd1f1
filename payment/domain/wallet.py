"""What a brand or a streamer sees of the ledger, and what an auditor does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.money import Money
from payment.domain.errors import CurrencyNotSupported
from payment.domain.ledger import AccountKind

SHOWN_TO = {
    "brand": {
        "available": AccountKind.BRAND_AVAILABLE,
        "escrow": AccountKind.CAMPAIGN_ESCROW,
    },
    "streamer": {
        "pending": AccountKind.STREAMER_PENDING,
        "available": AccountKind.STREAMER_AVAILABLE,
        "paying_out": AccountKind.STREAMER_PAYING_OUT,
    },
}


@dataclass(frozen=True)
class Wallet:
    account_id: str
    balances: dict[str, Money]


@dataclass(frozen=True)
class WalletPosting:
    account: str
    amount: Money


@dataclass(frozen=True)
class WalletEntry:
    """A transaction, with those of its postings that concern one wallet."""

    id: str
    kind: str
    at: datetime
    reference: str
    postings: tuple[WalletPosting, ...]


@dataclass(frozen=True)
class LedgerReport:
    """The whole ledger checked in one snapshot; `sums` is by currency, in minor units.

    `mismatched_accounts` hold a balance that is not the sum of their postings, and
    `mismatched_campaigns` have an escrow that is not reserved - earned - returned.
    """

    sums: dict[str, int]
    accounts: int
    transactions: int
    negative_accounts: tuple[str, ...]
    mismatched_accounts: tuple[str, ...]
    unbalanced_transactions: tuple[str, ...]
    mismatched_campaigns: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        findings = (
            *self.negative_accounts,
            *self.mismatched_accounts,
            *self.unbalanced_transactions,
            *self.mismatched_campaigns,
        )
        return not findings and not any(self.sums.values())


@dataclass(frozen=True)
class CampaignLedger:
    """A campaign's money, computed from the postings alone."""

    campaign_id: str
    brand_id: str
    reserved: Money
    earned_gross: Money
    platform_fee: Money
    streamer_net: Money
    returned: Money
    escrow: Money


def check_currency(amount: Money, currency: str) -> None:
    if amount.currency != currency:
        raise CurrencyNotSupported(f"{currency} is held, not {amount.currency}")


def wallet(account_id: str, kind: str, balances: dict[AccountKind, Money], currency: str) -> Wallet:
    """`kind` is brand or streamer. An account that was never used shows zero."""
    zero = Money.zero(currency)
    shown = {name: balances.get(account, zero) for name, account in SHOWN_TO[kind].items()}
    return Wallet(account_id, shown)
