"""Posting: accounts are locked in one order, balances are kept beside the postings that make them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from payment.domain.ledger import Account, Transaction, balances_after
from payment.storage.base import SqlPart
from payment.storage.tables import accounts, postings, transactions

IDENTITY = (accounts.c.kind, accounts.c.owner, accounts.c.currency)


class SqlLedger(SqlPart):
    def post(self, transaction: Transaction) -> None:
        held = self._lock(transaction.accounts)
        after = balances_after(transaction, {account: balance for account, (_, balance) in held.items()})
        ids = {account: account_id for account, (account_id, _) in held.items()}
        self.connection.execute(
            transactions.insert().values(
                id=transaction.id,
                kind=transaction.kind,
                reference=transaction.reference,
                at=transaction.at,
                posting_count=len(transaction.postings),
            )
        )
        self.connection.execute(postings.insert().values(posting_rows(transaction, ids)))
        self.connection.execute(
            accounts.update()
            .where(accounts.c.id == sa.bindparam("account"))
            .values(balance=sa.bindparam("new_balance")),
            [{"account": ids[account], "new_balance": balance} for account, balance in after.items()],
        )

    def _lock(self, wanted: Sequence[Account]) -> dict[Account, tuple[int, int]]:
        """(id, balance) of each account, in their order; those that are missing are opened first."""
        held = self._lock_existing(wanted)
        missing = [account for account in wanted if account not in held]
        if missing:
            self._open(missing)
            held = self._lock_existing(wanted)
        return held

    def _lock_existing(self, wanted: Sequence[Account]) -> dict[Account, tuple[int, int]]:
        identities = [(account.kind.value, account.owner, account.currency) for account in wanted]
        statement = (
            accounts.select()
            .where(sa.tuple_(*IDENTITY).in_(identities))
            .order_by(*(column.collate("C") for column in IDENTITY))
            .with_for_update()
        )
        found = {(row.kind, row.owner, row.currency): (row.id, row.balance) for row in self.rows(statement)}
        by_identity = dict(zip(identities, wanted, strict=True))
        return {by_identity[identity]: held for identity, held in found.items()}

    def _open(self, missing: Sequence[Account]) -> None:
        rows = [
            {
                "kind": account.kind.value,
                "owner": account.owner,
                "currency": account.currency,
                "wallet": account.wallet,
            }
            for account in missing
        ]
        self.connection.execute(insert(accounts).values(rows).on_conflict_do_nothing())


def posting_rows(transaction: Transaction, ids: dict[Account, int]) -> list[dict[str, object]]:
    return [
        {
            "transaction_id": transaction.id,
            "account_id": ids[posting.account],
            "currency": posting.amount.currency,
            "amount": posting.amount.amount_minor,
        }
        for posting in transaction.postings
    ]
