"""A deposit: pending → succeeded | failed, as the provider says and never as we assume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chassis.money import Money
from payment.domain.errors import AmountMismatch, SettlementConflict
from payment.domain.ledger import (
    NO_CHANGE,
    Account,
    Change,
    Transaction,
    TransactionKind,
    brand_available,
    provider_clearing,
    transfer,
)
from payment.domain.provider import Progress, ProviderObject, next_check
from payment.domain.reversal import Reversal
from payment.events import DepositReinstated, DepositReversed, DepositSucceeded


class DepositStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass
class Deposit:
    """`intent_id` is the provider's id of it, None until the provider was reached; `payment_id` of the money.

    `checkout` is encrypted: it lets whoever has it pay this deposit. Of what came, the provider has
    taken back `owed_minor`, and the wallet could give `reversed_minor` of that so far.
    """

    id: str
    brand_id: str
    provider: str
    amount: Money
    created_at: datetime
    next_check_at: datetime
    status: DepositStatus = DepositStatus.PENDING
    intent_id: str | None = None
    failure: str | None = None
    settled_at: datetime | None = None
    checks: int = 0
    version: int = 0
    payment_id: str | None = None
    checkout: str | None = None
    owed_minor: int = 0
    reversed_minor: int = 0

    @classmethod
    def begin(cls, id: str, brand_id: str, provider: str, amount: Money, at: datetime) -> Deposit:
        return cls(id, brand_id, provider, amount, created_at=at, next_check_at=next_check(at, 0))

    @property
    def is_pending(self) -> bool:
        return self.status == DepositStatus.PENDING

    def check_is_what_the_provider_names(self, found: ProviderObject) -> None:
        if found.amount != self.amount:
            raise AmountMismatch(f"{self.id} is over {self.amount}, the provider says {found.amount}")

    def check_is_not_paid_twice(self, found: ProviderObject) -> None:
        """Another payment with our reference would be money that nobody is credited with."""
        is_another = self.status == DepositStatus.SUCCEEDED and found.id != self.intent_id
        if is_another and found.progress == Progress.SUCCEEDED:
            raise SettlementConflict(f"{self.id} was paid by {self.intent_id}, and again by {found.id}")

    def as_it_began(self) -> Deposit:
        """What the request was answered with, however often it is repeated."""
        began = Deposit.begin(self.id, self.brand_id, self.provider, self.amount, self.created_at)
        return replace(began, checkout=self.checkout)

    def looked_up(self, at: datetime, problem: str | None = None) -> None:
        """Notes an attempt to learn from the provider, whatever came of it."""
        self.checks += 1
        self.next_check_at = next_check(at, self.checks)
        self.failure = problem

    def look_at_once(self, at: datetime) -> None:
        """Something happened on the way to the payment: the next round asks what is to be done."""
        if self.is_pending:
            self.next_check_at = at

    def settle(self, found: ProviderObject, *, transaction_id: str, at: datetime) -> Change:
        """Credits the brand once. A success after a failure counts: the money did arrive."""
        self.check_is_what_the_provider_names(found)
        self.check_is_not_paid_twice(found)
        if self.status != DepositStatus.SUCCEEDED:
            self.intent_id = found.id
        self.payment_id = found.payment_id or self.payment_id
        if found.progress == Progress.SUCCEEDED and self.status != DepositStatus.SUCCEEDED:
            return self._succeed(transaction_id, at)
        if found.progress == Progress.FAILED and self.is_pending:
            self.refuse(found.failure or "the provider gave no reason", at=at)
        if found.progress == Progress.PROCESSING:
            self.look_at_once(at)
        return NO_CHANGE

    def refuse(self, reason: str, *, at: datetime) -> None:
        self.status, self.failure, self.settled_at = DepositStatus.FAILED, reason, at

    def _succeed(self, transaction_id: str, at: datetime) -> Change:
        self.status, self.failure, self.settled_at = DepositStatus.SUCCEEDED, None, at
        postings = transfer(self.amount, self._clearing, self.wallet)
        return Change(
            Transaction(transaction_id, TransactionKind.DEPOSIT, self.id, at, postings),
            (DepositSucceeded(deposit_id=self.id, brand_id=self.brand_id, amount=self.amount),),
        )

    @property
    def wallet(self) -> Account:
        return brand_available(self.brand_id, self.amount.currency)

    @property
    def _clearing(self) -> Account:
        return provider_clearing(self.provider, self.amount.currency)

    @property
    def reversed(self) -> Money:
        return Money(self.reversed_minor, self.amount.currency)

    @property
    def outstanding(self) -> Money:
        """What is still to be taken from the wallet, or, when it is negative, given back."""
        owed = self.owed_minor if self.status == DepositStatus.SUCCEEDED else 0
        return Money(owed - self.reversed_minor, self.amount.currency)

    def check_covers(self, reversal: Reversal) -> None:
        if reversal.amount.currency != self.amount.currency or reversal.amount > self.amount:
            raise AmountMismatch(f"{self.id} is over {self.amount}, {reversal.id} over {reversal.amount}")

    def owe(self, taken: Money) -> None:
        """A refund and a dispute of the same money are told of separately: together never more than came."""
        self.owed_minor = min(taken, self.amount).amount_minor

    def reverse(self, held: Money, reason: str, *, transaction_id: str, at: datetime) -> Change:
        """Takes back as much as the wallet holds, or returns what is owed no longer."""
        moved = min(self.outstanding, held)
        if moved.is_zero:
            return NO_CHANGE
        self.reversed_minor += moved.amount_minor
        if moved.is_negative:
            return self._reinstated(-moved, reason, transaction_id, at)
        postings = transfer(moved, self.wallet, self._clearing)
        told = DepositReversed(deposit_id=self.id, brand_id=self.brand_id, amount=moved, reason=reason)
        return Change(
            Transaction(transaction_id, TransactionKind.DEPOSIT_REVERSAL, self.id, at, postings), (told,)
        )

    def _reinstated(self, amount: Money, reason: str, transaction_id: str, at: datetime) -> Change:
        postings = transfer(amount, self._clearing, self.wallet)
        told = DepositReinstated(deposit_id=self.id, brand_id=self.brand_id, amount=amount, reason=reason)
        return Change(
            Transaction(transaction_id, TransactionKind.REINSTATEMENT, self.id, at, postings), (told,)
        )
