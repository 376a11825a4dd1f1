"""A handler as the platform's busy consumers write it: inbox rows and their own, a batch in one commit."""

import sqlalchemy as sa

from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler
from chassis.events.outbox import Outbox
from chassis.service import Service
from chassis.sql import Sql, SqlInbox, SqlStore
from compose.bench.tables import handled

SOURCE = "bench_batch"


class Storage:
    def __init__(self, sql: Sql, outbox: Outbox) -> None:
        self._sql = sql

    def save(self, events: list[ReceivedEvent]) -> None:
        rows = [
            {"side": "ours", "round": event.data["round"], "number": event.data["number"]} for event in events
        ]
        self._sql.connection.execute(sa.insert(handled), rows)


class Batches(Service):
    name = "bench_batches"
    inbox = SqlInbox()
    storage = SqlStore(Storage)

    @batch_event_handler(SOURCE, "measured", size=100, seconds=0.05)
    def on_measured(self, events: list[ReceivedEvent]) -> None:
        self.storage.save(events)
