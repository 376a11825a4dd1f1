"""Events through chassis' relay, as the outbox hands them over after a commit."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import eventlet
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from chassis.event import Event
from chassis.events.outbox import Record, Relay, records
from chassis.rpc.server import rpc
from chassis.service import Service

EVENTS_PER_COMMIT = 10


@dataclass(frozen=True, kw_only=True)
class Measured(Event):
    """An event for measuring."""

    type: ClassVar[str] = "measured"
    aggregate: ClassVar[str] = "series_id"
    series_id: str
    number: int
    payload: dict[str, str]


class CountedStore:
    """A store that only counts: the commit is not what this row is about, stock Nameko has none."""

    def __init__(self) -> None:
        self.published = 0

    def unpublished(self, before: datetime, limit: int) -> list[Record]:
        return []

    def mark_published(self, ids: Sequence[str]) -> None:
        self.published += len(ids)


class Relayed(DependencyProvider):
    relay = Relay()

    def get_dependency(self, worker_ctx: WorkerContext) -> Relay:
        return self.relay


class Publisher(Service):
    name = "bench_publisher"
    relay = Relayed()

    @rpc(callers={"operator"})
    def run(self, request: dict[str, Any]) -> dict[str, float]:
        """Publish so many events; the seconds until the broker has confirmed the last of them."""
        store = CountedStore()
        count, payload = request["events"], request["payload"]
        began = time.perf_counter()
        for first in range(0, count, EVENTS_PER_COMMIT):
            events = [
                Measured(series_id=f"agg_{first}", number=number, payload=payload)
                for number in range(first, min(first + EVENTS_PER_COMMIT, count))
            ]
            self.relay.submit(store, records(events, 1))
        while store.published < count:
            eventlet.sleep(0.001)
        return {"seconds": time.perf_counter() - began}
