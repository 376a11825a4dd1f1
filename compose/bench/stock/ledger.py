from typing import Any

import sqlalchemy as sa
from nameko.events import event_handler
from sqlalchemy.dialects.postgresql import insert

from compose.bench.stock.books import accounts, postings
from compose.bench.stock.database import Database

FEE_PERCENT = 20


class Ledger:
    name = "stock_ledger"
    database = Database()

    @event_handler("stock_deliveries", "delivery_recorded")
    def post_earning(self, delivery: Any) -> None:
        gross = delivery["earned_minor"]
        fee = gross * FEE_PERCENT // 100
        with self.database.begin() as connection:
            # Always in this order, so that no two transactions wait for each other.
            post(connection, delivery["id"], f"escrow:{delivery['campaign_id']}", -gross)
            post(connection, delivery["id"], "fees", fee)
            post(connection, delivery["id"], f"pending:{delivery['streamer_id']}", gross - fee)


def post(connection: sa.Connection, delivery_id: str, account_id: str, amount: int) -> None:
    balance = insert(accounts).values(id=account_id, balance=amount)
    connection.execute(
        balance.on_conflict_do_update(
            index_elements=["id"], set_={"balance": accounts.c.balance + balance.excluded.balance}
        )
    )
    connection.execute(
        postings.insert().values(delivery_id=delivery_id, account_id=account_id, amount=amount)
    )
