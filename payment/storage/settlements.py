"""Deposits and payouts: what is under way at a provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from chassis.event import Event
from chassis.money import Money
from chassis.pagination import Page
from payment.domain.deposit import Deposit, DepositStatus
from payment.domain.errors import DepositNotFound, PayoutNotFound
from payment.domain.page import PageRequest
from payment.domain.payout import Payout, PayoutStatus
from payment.storage.base import SqlPart, newest_first, page
from payment.storage.tables import deposits, payouts


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

    def _one(self, statement: sa.Select[Any]) -> Deposit:
        row = self.connection.execute(statement).one_or_none()
        if row is None:
            raise DepositNotFound()
        return deposit_of(row)


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
