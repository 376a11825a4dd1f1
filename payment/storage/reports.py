"""Reading the ledger: wallets, campaigns, and the audit of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from chassis.money import Money
from chassis.pagination import Page, decode_cursor, page_of
from payment.domain.ledger import AccountKind, TransactionKind
from payment.domain.page import PageRequest
from payment.domain.reconciliation import Cleared, MovementKind
from payment.domain.wallet import CampaignLedger, LedgerReport, WalletEntry, WalletPosting
from payment.storage.base import SqlPart
from payment.storage.tables import accounts, campaign_budgets, postings, transactions

# An auditor needs the first findings, not a million of them in one answer.
FINDINGS = 100

MOVED_BY = {
    TransactionKind.DEPOSIT: MovementKind.DEPOSIT,
    TransactionKind.DEPOSIT_REVERSAL: MovementKind.REVERSAL,
    TransactionKind.REINSTATEMENT: MovementKind.REVERSAL,
    TransactionKind.PAYOUT: MovementKind.PAYOUT,
}

OF_POSTING = postings.join(accounts, accounts.c.id == postings.c.account_id)


class SqlReports(SqlPart):
    def balances(self, wallet: str, currency: str) -> dict[AccountKind, Money]:
        statement = (
            sa.select(accounts.c.kind, sa.func.sum(accounts.c.balance).label("balance"))
            .where(accounts.c.wallet == wallet, accounts.c.currency == currency)
            .group_by(accounts.c.kind)
        )
        return {AccountKind(row.kind): Money(int(row.balance), currency) for row in self.rows(statement)}

    def entries(self, wallet: str, request: PageRequest) -> Page[WalletEntry]:
        newest = [row.transaction_id for row in self.rows(newest_of_wallet(wallet, request))]
        named = transactions.select().where(transactions.c.id.in_(newest))
        found = self.rows(named.order_by(transactions.c.id.desc()))
        shown = self._postings(wallet, [row.id for row in found])
        entries = [
            WalletEntry(row.id, row.kind, row.at, row.reference, tuple(shown[row.id])) for row in found
        ]
        return page_of(entries, request.limit, lambda entry: [entry.id])

    def _postings(self, wallet: str, ids: Sequence[str]) -> dict[str, list[WalletPosting]]:
        statement = (
            sa.select(postings.c.transaction_id, accounts.c.kind, postings.c.amount, postings.c.currency)
            .select_from(OF_POSTING)
            .where(postings.c.transaction_id.in_(ids), accounts.c.wallet == wallet)
            .order_by(postings.c.id)
        )
        by_transaction: dict[str, list[WalletPosting]] = {entry: [] for entry in ids}
        for row in self.rows(statement):
            posting = WalletPosting(row.kind, Money(row.amount, row.currency))
            by_transaction[row.transaction_id].append(posting)
        return by_transaction

    def campaign(self, campaign_id: str) -> CampaignLedger | None:
        query = campaign_budgets.select().where(campaign_budgets.c.campaign_id == campaign_id)
        budget = self.connection.execute(query).one_or_none()
        if budget is None:
            return None
        moved = self._escrow_by_kind(campaign_id)
        fee = self._fees_from(campaign_id)
        earned = -moved.get(TransactionKind.EARNING, 0)

        def money(minor: int) -> Money:
            return Money(minor, budget.currency)

        return CampaignLedger(
            campaign_id=campaign_id,
            brand_id=budget.brand_id,
            reserved=money(moved.get(TransactionKind.RESERVATION, 0)),
            earned_gross=money(earned),
            platform_fee=money(fee),
            streamer_net=money(earned - fee),
            returned=money(-moved.get(TransactionKind.BUDGET_RETURN, 0)),
            escrow=money(sum(moved.values())),
        )

    def _escrow_by_kind(self, campaign_id: str) -> dict[str, int]:
        statement = (
            sa.select(transactions.c.kind, sa.func.sum(postings.c.amount).label("amount"))
            .select_from(OF_POSTING.join(transactions, transactions.c.id == postings.c.transaction_id))
            .where(*escrow_of(campaign_id))
            .group_by(transactions.c.kind)
        )
        return {row.kind: int(row.amount) for row in self.rows(statement)}

    def _fees_from(self, campaign_id: str) -> int:
        earnings = sa.select(postings.c.transaction_id).select_from(OF_POSTING).where(*escrow_of(campaign_id))
        fees = sa.select(sa.func.coalesce(sa.func.sum(postings.c.amount), 0)).select_from(OF_POSTING)
        statement = fees.where(
            accounts.c.kind == AccountKind.PLATFORM_FEES.value, postings.c.transaction_id.in_(earnings)
        )
        return int(self.connection.execute(statement).scalar_one())

    def cleared(self, provider: str, since: datetime, until: datetime) -> list[Cleared]:
        clearing = (accounts.c.kind == AccountKind.PROVIDER_CLEARING.value, accounts.c.owner == provider)
        statement = (
            sa.select(
                transactions.c.kind,
                transactions.c.reference,
                transactions.c.at,
                postings.c.amount,
                postings.c.currency,
            )
            .select_from(OF_POSTING.join(transactions, transactions.c.id == postings.c.transaction_id))
            .where(*clearing, transactions.c.at >= since, transactions.c.at < until)
        )
        return [
            Cleared(MOVED_BY[row.kind], row.reference, Money(-row.amount, row.currency), row.at)
            for row in self.rows(statement)
        ]

    def verify(self) -> LedgerReport:
        return self._sql.transaction(self._verify, isolation="SERIALIZABLE")

    def _verify(self) -> LedgerReport:
        return LedgerReport(
            sums=self._sums(),
            accounts=self._count(accounts),
            transactions=self._count(transactions),
            negative_accounts=tuple(map(account_name, self.rows(NEGATIVE))),
            mismatched_accounts=tuple(map(account_name, self.rows(MISMATCHED))),
            unbalanced_transactions=tuple(row.transaction_id for row in self.rows(UNBALANCED)),
            mismatched_campaigns=tuple(row.campaign_id for row in self.rows(MISMATCHED_CAMPAIGNS)),
        )

    def _sums(self) -> dict[str, int]:
        total = sa.func.sum(postings.c.amount).label("total")
        statement = sa.select(postings.c.currency, total).group_by(postings.c.currency)
        return {row.currency: int(row.total) for row in self.rows(statement)}

    def _count(self, table: sa.Table) -> int:
        return int(self.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def newest_of_wallet(wallet: str, request: PageRequest) -> sa.Select[Any]:
    """Ids rise with time. A page holds at most a page of each account, however long their histories are."""
    of_account = sa.select(postings.c.transaction_id).where(postings.c.account_id == accounts.c.id)
    if request.cursor is not None:
        (last_id,) = decode_cursor(request.cursor, str)
        of_account = of_account.where(postings.c.transaction_id < last_id)
    newest = of_account.order_by(postings.c.transaction_id.desc()).limit(request.limit + 1).lateral()
    of_wallet = accounts.join(newest, sa.true())
    ids = sa.select(newest.c.transaction_id).select_from(of_wallet).where(accounts.c.wallet == wallet)
    return ids.distinct().order_by(newest.c.transaction_id.desc()).limit(request.limit + 1)


def escrow_of(campaign_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return accounts.c.kind == AccountKind.CAMPAIGN_ESCROW.value, accounts.c.owner == campaign_id


def account_name(row: Row[Any]) -> str:
    return f"{row.kind}:{row.owner}:{row.currency}"


NEGATIVE = (
    accounts.select()
    .where(accounts.c.balance < 0, accounts.c.kind != AccountKind.PROVIDER_CLEARING.value)
    .limit(FINDINGS)
)

POSTED = (
    sa.select(postings.c.account_id, sa.func.sum(postings.c.amount).label("total"))
    .group_by(postings.c.account_id)
    .subquery()
)
MISMATCHED = (
    sa.select(accounts)
    .select_from(accounts.outerjoin(POSTED, POSTED.c.account_id == accounts.c.id))
    .where(accounts.c.balance != sa.func.coalesce(POSTED.c.total, 0))
    .limit(FINDINGS)
)

UNBALANCED = (
    sa.select(postings.c.transaction_id)
    .group_by(postings.c.transaction_id, postings.c.currency)
    .having(sa.func.sum(postings.c.amount) != 0)
    .limit(FINDINGS)
)

ESCROW = sa.and_(
    accounts.c.kind == AccountKind.CAMPAIGN_ESCROW.value,
    accounts.c.owner == campaign_budgets.c.campaign_id,
    accounts.c.currency == campaign_budgets.c.currency,
)
LEFT = campaign_budgets.c.reserved - campaign_budgets.c.earned - campaign_budgets.c.returned
MISMATCHED_CAMPAIGNS = (
    sa.select(campaign_budgets.c.campaign_id)
    .select_from(campaign_budgets.outerjoin(accounts, ESCROW))
    .where(sa.func.coalesce(accounts.c.balance, 0) != LEFT)
    .limit(FINDINGS)
)
