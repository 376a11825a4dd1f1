"""A payout: requested → processing → paid | failed. The money is set aside while it is under way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chassis.money import Money
from payment.domain.errors import AmountMismatch, BelowMinimum, PayeeMismatch, SettlementConflict
from payment.domain.ledger import (
    NO_CHANGE,
    Account,
    AccountKind,
    Change,
    Transaction,
    TransactionKind,
    provider_clearing,
    streamer_account,
    transfer,
)
from payment.domain.provider import ProviderObject
from payment.events import PayoutFailed, PayoutPaid, PayoutRequested

# Below ten units of currency the provider's charge eats a noticeable part of the payout.
MINIMUM_MINOR = 1000


class PayoutStatus(StrEnum):
    REQUESTED = "requested"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


@dataclass
class Payout:
    """`destination` is encrypted and frozen at the request, so that a repeated order to the
    provider is the same order; `destination_hint` is what may be shown of it.
    """

    id: str
    streamer_id: str
    provider: str
    amount: Money
    destination: str
    destination_hint: str
    created_at: datetime
    status: PayoutStatus = PayoutStatus.REQUESTED
    provider_payout_id: str | None = None
    failure: str | None = None
    settled_at: datetime | None = None
    statement_id: str | None = None
    version: int = 0

    @property
    def paid_at(self) -> datetime | None:
        return self.settled_at if self.status == PayoutStatus.PAID else None

    @property
    def is_settled(self) -> bool:
        return self.status in (PayoutStatus.PAID, PayoutStatus.FAILED)

    def check_is_not_below_minimum(self) -> None:
        if self.amount.amount_minor < MINIMUM_MINOR:
            minimum = Money(MINIMUM_MINOR, self.amount.currency)
            raise BelowMinimum(f"a payout is at least {minimum}", minimum=minimum.to_dict())

    def check_is_what_the_provider_names(self, found: ProviderObject) -> None:
        if found.amount != self.amount:
            raise AmountMismatch(f"{self.id} is over {self.amount}, the provider says {found.amount}")
        if found.destination is not None and found.destination != self.destination_hint:
            raise PayeeMismatch(f"{self.id} goes to {self.destination_hint}, not to {found.destination}")

    def request(self, *, transaction_id: str) -> Change:
        """Sets the money aside."""
        self.check_is_not_below_minimum()
        available = self._account(AccountKind.STREAMER_AVAILABLE)
        postings = transfer(self.amount, available, self._set_aside)
        return Change(
            Transaction(transaction_id, TransactionKind.PAYOUT_REQUEST, self.id, self.created_at, postings),
            (PayoutRequested(payout_id=self.id, streamer_id=self.streamer_id, amount=self.amount),),
        )

    def as_it_began(self) -> Payout:
        """What the request was answered with, however often it is repeated."""
        return replace(
            self,
            status=PayoutStatus.REQUESTED,
            provider_payout_id=None,
            failure=None,
            settled_at=None,
            statement_id=None,
            version=0,
        )

    def accept(self, provider_payout_id: str) -> None:
        """The provider took the order. A webhook may have been faster, then this is old news."""
        self.provider_payout_id = provider_payout_id
        if self.status == PayoutStatus.REQUESTED:
            self.status = PayoutStatus.PROCESSING

    def pay(self, found: ProviderObject, *, statement_id: str, transaction_id: str, at: datetime) -> Change:
        """The provider paid: what was set aside leaves. Nothing happens the second time."""
        self.check_is_what_the_provider_names(found)
        if self.status == PayoutStatus.PAID:
            return NO_CHANGE
        if self.status == PayoutStatus.FAILED:
            raise SettlementConflict(f"{self.id} was taken back and then paid by the provider")
        self.provider_payout_id = found.id
        self.status, self.settled_at, self.statement_id = PayoutStatus.PAID, at, statement_id
        clearing = provider_clearing(self.provider, self.amount.currency)
        postings = transfer(self.amount, self._set_aside, clearing)
        return Change(
            Transaction(transaction_id, TransactionKind.PAYOUT, self.id, at, postings),
            (
                PayoutPaid(
                    payout_id=self.id,
                    streamer_id=self.streamer_id,
                    amount=self.amount,
                    statement_id=statement_id,
                ),
            ),
        )

    def take_back(self, reason: str, *, transaction_id: str, at: datetime) -> Change:
        """The payout failed: the money is available again. Nothing happens the second time."""
        if self.status == PayoutStatus.FAILED:
            return NO_CHANGE
        if self.status == PayoutStatus.PAID:
            raise SettlementConflict(f"{self.id} was paid and then failed at the provider")
        self.status, self.settled_at, self.failure = PayoutStatus.FAILED, at, reason
        available = self._account(AccountKind.STREAMER_AVAILABLE)
        postings = transfer(self.amount, self._set_aside, available)
        return Change(
            Transaction(transaction_id, TransactionKind.PAYOUT_REVERSAL, self.id, at, postings),
            (
                PayoutFailed(
                    payout_id=self.id, streamer_id=self.streamer_id, amount=self.amount, reason=reason
                ),
            ),
        )

    @property
    def _set_aside(self) -> Account:
        return self._account(AccountKind.STREAMER_PAYING_OUT)

    def _account(self, kind: AccountKind) -> Account:
        return streamer_account(kind, self.streamer_id, self.amount.currency)
