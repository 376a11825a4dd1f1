"""Takes note of each thing that was made: one by one, and in batches. Chaos kills it while it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler, event_handler
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo, MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import Service
from compose.chaos import guards, stopwatch
from compose.chaos.taker import BATCH_SIZE, PREFETCH

guards.take_off_from_environment()
stopwatch.start_from_environment()


class Explosive(Exception):
    """What the handler runs into with an event that asks for it."""


class Notes:
    """A note that is taken twice is there twice."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self.mongo = mongo

    def ensure_indexes(self) -> None:
        self.mongo["notes"].create_index("how")

    def take(self, how: str, keys: Sequence[str]) -> None:
        rows = [{"how": how, "key": key} for key in keys]
        self.mongo["notes"].insert_many(rows, session=self.mongo.session)


class Taker(Service):
    name = "chaos_taker"

    notes = MongoStore(Notes)
    inbox = MongoInbox()
    maker = RpcClient("chaos_maker", lambda proxy: proxy)

    @event_handler("chaos_maker", "thing_made", prefetch=PREFETCH)
    def on_thing(self, event: ReceivedEvent) -> None:
        self.notes.take("single", [event.data["key"]])
        if event.data.get("explode"):
            raise Explosive

    @batch_event_handler("chaos_maker", "thing_made", size=BATCH_SIZE, seconds=0.05)
    def on_things(self, events: list[ReceivedEvent]) -> None:
        self.notes.take("batch", [event.data["key"] for event in events])
        if any(event.data.get("explode") for event in events):
            raise Explosive

    @rpc
    def make(self, request: dict[str, Any]) -> Any:
        """Passed on to the maker."""
        return self.maker.make(request)

    @rpc
    def ping(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}
