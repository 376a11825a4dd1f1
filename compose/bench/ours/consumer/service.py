"""A handler as the platform writes it: an inbox row and its own row, in one commit."""

import sqlalchemy as sa

from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.events.outbox import Outbox
from chassis.service import Service
from chassis.sql import Sql, SqlInbox, SqlStore
from compose.bench.tables import handled

SOURCE = "bench_single"


class Storage:
    def __init__(self, sql: Sql, outbox: Outbox) -> None:
        self._sql = sql

    def save(self, event: ReceivedEvent) -> None:
        row = {"side": "ours", "round": event.data["round"], "number": event.data["number"]}
        self._sql.connection.execute(sa.insert(handled), row)


class Consumer(Service):
    name = "bench_consumer"
    inbox = SqlInbox()
    storage = SqlStore(Storage)

    @event_handler(SOURCE, "measured")
    def on_measured(self, event: ReceivedEvent) -> None:
        self.storage.save(event)
