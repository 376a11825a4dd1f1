"""Deposits, their reversals, and payouts: what is under way at a provider."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page
from payment.domain.deposit import Deposit, DepositStatus
from payment.domain.errors import DepositNotFound, PayoutNotFound
from payment.domain.page import PageRequest
from payment.domain.payout import Payout, PayoutStatus
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.storage.base import SqlPart, newest_first, page
from payment.storage.tables import deposits, payouts, reversals


class SqlDeposits(SqlPart):
    def add(self, deposit: Deposit) -> None:
        self.connection.execute(deposits.insert().values(row_values(deposit)))

    def get(self, deposit_id: str) -> Deposit:
        return self._one(deposits.select().where(deposits.c.id == deposit_id))

    def lock(self, deposit_id: str) -> Deposit:
        return self._one(deposits.select().where(deposits.c.id == deposit_id).with_for_update())

    def save(self, deposit: Deposit, events: Sequence[Event] = ()) -> None:
        self.swap(deposits, deposit, row_values(deposit), events)

    def due(self, now: datetime, limit: int) -> list[Deposit]:
        waiting = deposits.c.status == DepositStatus.PENDING.value
        statement = deposits.select().where(waiting, deposits.c.next_check_at <= now)
        ordered = statement.order_by(deposits.c.next_check_at).limit(limit)
        return [deposit_of(row) for row in self.rows(ordered)]

    def lock_by_payment(self, provider: str, payment: str) -> Deposit:
        return self._one(deposits.select().where(*of_payments(provider, [payment])).with_for_update())

    def references(self, provider: str, payments: Collection[str]) -> dict[str, str]:
        rows = self.rows(deposits.select().where(*of_payments(provider, payments)))
        by_order = {row.intent_id: row.id for row in rows}
        return by_order | {row.payment_id: row.id for row in rows if row.payment_id is not None}

    def outstanding(self, now: datetime, limit: int) -> list[str]:
        succeeded = deposits.c.status == DepositStatus.SUCCEEDED.value
        short = deposits.c.owed_minor != deposits.c.reversed_minor
        statement = sa.select(deposits.c.id).where(succeeded, short, deposits.c.next_check_at <= now)
        return [row.id for row in self.rows(statement.order_by(deposits.c.next_check_at).limit(limit))]

    def _one(self, statement: sa.Select[Any]) -> Deposit:
        row = self.connection.execute(statement).one_or_none()
        if row is None:
            raise DepositNotFound()
        return deposit_of(row)


def of_payments(provider: str, payments: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    named = deposits.c.intent_id.in_(payments) | deposits.c.payment_id.in_(payments)
    return deposits.c.provider == provider, named


class SqlReversals(SqlPart):
    def keep(self, deposit: Deposit, reversal: Reversal, at: datetime) -> None:
        values = {
            "provider": deposit.provider,
            "deposit_id": deposit.id,
            **reversal_values(reversal),
            "first_known_at": at,
            "updated_at": at,
        }
        fresh = insert(reversals).values(values)
        changed = {name: values[name] for name in ("reason", "amount", "stage", "updated_at")}
        self.connection.execute(fresh.on_conflict_do_update(index_elements=["provider", "id"], set_=changed))

    def of_deposit(self, deposit_id: str) -> list[Reversal]:
        mine = reversals.select().where(reversals.c.deposit_id == deposit_id)
        ordered = mine.order_by(reversals.c.first_known_at, reversals.c.id)
        return [reversal_of(row) for row in self.rows(ordered)]


def reversal_values(reversal: Reversal) -> dict[str, Any]:
    return {
        "id": reversal.id,
        "payment": reversal.payment,
        "kind": reversal.kind.value,
        "reason": reversal.reason,
        "amount": reversal.amount.amount_minor,
        "currency": reversal.amount.currency,
        "stage": reversal.stage.value,
    }


def reversal_of(row: Row[Any]) -> Reversal:
    return Reversal(
        id=row.id,
        payment=row.payment,
        kind=ReversalKind(row.kind),
        reason=row.reason,
        amount=Money(row.amount, row.currency),
        stage=ReversalStage(row.stage),
    )


class SqlPayouts(SqlPart):
    def add(self, payout: Payout, events: Sequence[Event]) -> None:
        self.connection.execute(payouts.insert().values(row_values(payout)))
        self._outbox.append(events, payout.version)

    def get(self, payout_id: str) -> Payout:
        return self._one(payouts.select().where(payouts.c.id == payout_id))

    def lock(self, payout_id: str) -> Payout:
        return self._one(payouts.select().where(payouts.c.id == payout_id).with_for_update())

    def save(self, payout: Payout, events: Sequence[Event] = ()) -> None:
        self.swap(payouts, payout, row_values(payout), events)

    def of_streamer(self, streamer_id: str, request: PageRequest) -> Page[Payout]:
        mine = payouts.select().where(payouts.c.streamer_id == streamer_id)
        ordered = newest_first(mine, payouts.c.created_at, payouts.c.id, request.cursor)
        found = [payout_of(row) for row in self.rows(ordered.limit(request.limit + 1))]
        return page(found, request.limit, lambda payout: payout.created_at, lambda payout: payout.id)

    def _one(self, statement: sa.Select[Any]) -> Payout:
        row = self.connection.execute(statement).one_or_none()
        if row is None:
            raise PayoutNotFound()
        return payout_of(row)


def row_values(aggregate: Deposit | Payout) -> dict[str, Any]:
    values = {field.name: getattr(aggregate, field.name) for field in fields(aggregate)}
    amount = aggregate.amount
    return {**values, "amount": amount.amount_minor, "currency": amount.currency}


def domain_values(row: Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)
    currency = values.pop("currency")
    return {**values, "amount": Money(values["amount"], currency)}


def deposit_of(row: Row[Any]) -> Deposit:
    return Deposit(**{**domain_values(row), "status": DepositStatus(row.status)})


def payout_of(row: Row[Any]) -> Payout:
    return Payout(**{**domain_values(row), "status": PayoutStatus(row.status)})
