"""Posting: accounts are locked in one order, balances are kept beside the postings that make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.money import Money
from payment.domain.ledger import Account, Transaction, balances_after
from payment.storage.base import SqlPart, relation
from payment.storage.tables import accounts, postings, transactions

IDENTITY = (accounts.c.kind, accounts.c.owner, accounts.c.currency)


class SqlLedger(SqlPart):
    def post(self, *new: Transaction) -> None:
        if not new:
            return
        held = self._lock(sorted({account for transaction in new for account in transaction.accounts}))
        balances = {account: balance for account, (_, balance) in held.items()}
        for transaction in new:
            balances |= balances_after(transaction, balances)
        ids = {account: account_id for account, (account_id, _) in held.items()}
        self.connection.execute(transactions.insert(), [transaction_row(each) for each in new])
        self.connection.execute(
            postings.insert(), [row for transaction in new for row in posting_rows(transaction, ids)]
        )
        self._set_balances({ids[account]: balance for account, balance in balances.items()})

    def balance(self, account: Account) -> Money:
        (_, balance) = self._lock([account])[account]
        return Money(balance, account.currency)

    def _set_balances(self, balances: Mapping[int, int]) -> None:
        given = relation([accounts.c.id, accounts.c.balance], sorted(balances.items()))
        statement = accounts.update().where(accounts.c.id == given.c.id).values(balance=given.c.balance)
        self.connection.execute(statement)

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


def transaction_row(transaction: Transaction) -> dict[str, object]:
    return {
        "id": transaction.id,
        "kind": transaction.kind,
        "reference": transaction.reference,
        "at": transaction.at,
        "posting_count": len(transaction.postings),
    }


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
