"""A deposit: pending → succeeded | failed, as the provider says and never as we assume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.money import Money
from payment.domain.errors import AmountMismatch
from payment.domain.ledger import (
    NO_CHANGE,
    Change,
    Transaction,
    TransactionKind,
    brand_available,
    provider_clearing,
    transfer,
)
from payment.domain.provider import Progress, ProviderObject, next_check
from payment.events import DepositSucceeded


class DepositStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass
class Deposit:
    """`intent_id` is the provider's id of it, None until the provider was reached."""

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

    @classmethod
    def begin(cls, id: str, brand_id: str, provider: str, amount: Money, at: datetime) -> Deposit:
        return cls(id, brand_id, provider, amount, created_at=at, next_check_at=next_check(at, 0))

    @property
    def is_pending(self) -> bool:
        return self.status == DepositStatus.PENDING

    def check_is_what_the_provider_names(self, found: ProviderObject) -> None:
        if found.amount != self.amount:
            raise AmountMismatch(f"{self.id} is over {self.amount}, the provider says {found.amount}")

    def as_it_began(self) -> Deposit:
        """What the request was answered with, however often it is repeated."""
        return Deposit.begin(self.id, self.brand_id, self.provider, self.amount, self.created_at)

    def looked_up(self, at: datetime, problem: str | None = None) -> None:
        """Notes an attempt to learn from the provider, whatever came of it."""
        self.checks += 1
        self.next_check_at = next_check(at, self.checks)
        self.failure = problem

    def settle(self, found: ProviderObject, *, transaction_id: str, at: datetime) -> Change:
        """Credits the brand once. A success after a failure counts: the money did arrive."""
        self.check_is_what_the_provider_names(found)
        self.intent_id = found.id
        if found.progress == Progress.SUCCEEDED and self.status != DepositStatus.SUCCEEDED:
            return self._succeed(transaction_id, at)
        if found.progress == Progress.FAILED and self.is_pending:
            self.refuse(found.failure or "the provider gave no reason", at=at)
        return NO_CHANGE

    def refuse(self, reason: str, *, at: datetime) -> None:
        self.status, self.failure, self.settled_at = DepositStatus.FAILED, reason, at

    def _succeed(self, transaction_id: str, at: datetime) -> Change:
        self.status, self.failure, self.settled_at = DepositStatus.SUCCEEDED, None, at
        currency = self.amount.currency
        postings = transfer(
            self.amount,
            provider_clearing(self.provider, currency),
            brand_available(self.brand_id, currency),
        )
        return Change(
            Transaction(transaction_id, TransactionKind.DEPOSIT, self.id, at, postings),
            (DepositSucceeded(deposit_id=self.id, brand_id=self.brand_id, amount=self.amount),),
        )
