import os
from typing import Any

import sqlalchemy as sa
from nameko.events import event_handler
from nameko.extensions import DependencyProvider

INSERT = sa.text("INSERT INTO handled (side, round, number) VALUES ('stock', :round, :number)")


class Database(DependencyProvider):
    def setup(self) -> None:
        self.engine = sa.create_engine(os.environ["DATABASE_URL"])

    def get_dependency(self, worker_ctx: Any) -> sa.Engine:
        return self.engine


class Consumer:
    name = "stock_consumer"
    database = Database()

    @event_handler("stock_source", "measured")
    def on_measured(self, event: Any) -> None:
        with self.database.begin() as connection:
            connection.execute(INSERT, {"round": event["round"], "number": event["number"]})
