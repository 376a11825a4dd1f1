"""Rows to domain and back, over SQLAlchemy Core. Rules stay in the domain, and again in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chassis.events.outbox import Outbox
from chassis.sql import Sql
from payment.storage.answers import SqlAnswers
from payment.storage.budgets import SqlBudgets, SqlEarnings, SqlHolds
from payment.storage.documents import SqlDocuments
from payment.storage.ledger import SqlLedger
from payment.storage.reports import SqlReports
from payment.storage.settlements import SqlDeposits, SqlPayouts, SqlReversals
from payment.storage.webhooks import SqlWebhooks

T = TypeVar("T")


class SqlPayments:
    """Everything that payment keeps, in one database and so in one transaction."""

    def __init__(self, sql: Sql, outbox: Outbox) -> None:
        self._sql = sql
        self.ledger = SqlLedger(sql, outbox)
        self.budgets = SqlBudgets(sql, outbox)
        self.earnings = SqlEarnings(sql, outbox)
        self.holds = SqlHolds(sql, outbox)
        self.deposits = SqlDeposits(sql, outbox)
        self.reversals = SqlReversals(sql, outbox)
        self.payouts = SqlPayouts(sql, outbox)
        self.webhooks = SqlWebhooks(sql, outbox)
        self.documents = SqlDocuments(sql, outbox)
        self.answers = SqlAnswers(sql, outbox)
        self.reports = SqlReports(sql, outbox)

    def transaction(self, work: Callable[[], T]) -> T:
        return self._sql.transaction(work)
