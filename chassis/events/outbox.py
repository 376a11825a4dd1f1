"""The transactional outbox: events are stored with the state that they tell of, and relayed after.

They stay in the store for ever, as the audit trail. The relay publishes them right after the
commit; a sweeper publishes what a crash left behind. Receivers may therefore see an event twice,
and their inbox stops the second one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import eventlet
from eventlet.queue import LightQueue
from nameko.extensions import SharedExtension

from chassis import context, failpoints, metrics
from chassis.clock import now
from chassis.errors import ServiceUnavailable
from chassis.event import Event
from chassis.events.cloudevents import envelope
from chassis.events.publisher import Outcome, Outgoing
from chassis.events.topology import BY_ADMIN, events_exchange
from chassis.extensions import Configuration, EventPublisher
from chassis.ids import new_id
from chassis.principal import is_by_admin

log = logging.getLogger(__name__)

BATCH = 500
UNROUTABLE_BACKOFF_SECONDS = (1.0, 60.0)
"""An event without a queue is tried again after one second, then less and less often."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it is stored."""

    id: str
    aggregate_id: str
    aggregate_version: int
    index: int
    type: str
    version: int
    time: datetime
    data: dict[str, Any]
    actor: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    session: str | None = None

    def to_history(self) -> dict[str, Any]:
        """The event as the audit trail shows it."""
        return {
            "id": self.id,
            "type": self.type,
            "version": self.version,
            "time": self.time,
            "aggregate_version": self.aggregate_version,
            "data": self.data,
            "actor": self.actor,
        }


class Outbox(Protocol):
    """What a service's storage needs of the outbox."""

    def append(self, events: Sequence[Event], aggregate_version: int) -> None:
        """Store events, in the current transaction. (aggregate id, version, index) is unique."""

    def append_all(self, changes: Sequence[tuple[Sequence[Event], int]]) -> None:
        """As `append` for each (events, aggregate version), in one write."""

    def history(
        self, aggregate_id: str, after: Sequence[Any] | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        """An aggregate's events, oldest first, after the sort key (aggregate_version, index)."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The events of one type that are not published yet."""

    type: str
    count: int
    oldest: datetime


class OutboxStore(Protocol):
    """What the relay and the operator need of a store."""

    def unpublished(self, before: datetime, limit: int) -> list[Record]:
        """Events stored before the given time that are not marked as published, oldest first."""

    def mark_published(self, ids: Sequence[str]) -> None:
        """Marking again changes nothing."""

    def backlog(self) -> list[Backlog]:
        """What is not published yet, by type of event."""


def records(events: Iterable[Event], aggregate_version: int) -> list[Record]:
    """The records of some events, with the ids of the call that caused them."""
    call = context.current()
    actor = call.actor or (f"service:{call.caller}" if call.caller else None)
    at = now()
    return [
        Record(
            id=new_id("evt"),
            aggregate_id=event.aggregate_id,
            aggregate_version=aggregate_version,
            index=index,
            type=event.type,
            version=event.version,
            time=at,
            data=event.to_data(),
            actor=actor,
            request_id=call.request_id,
            traceparent=call.traceparent,
            session=call.session,
        )
        for index, event in enumerate(events)
    ]


class Relay(SharedExtension):
    """Publishes what the outbox holds: at once what was just committed, later what was left behind."""

    configuration = Configuration()
    events = EventPublisher()

    def __init__(self) -> None:
        self._stores: list[OutboxStore] = []
        self._fresh: LightQueue = LightQueue()
        self._waits: dict[str, tuple[float, float]] = {}

    def serve(self, store: OutboxStore) -> None:
        self._stores.append(store)

    def submit(self, store: OutboxStore, fresh: Sequence[Record]) -> None:
        """Publish soon what was just committed. Never waits, never fails."""
        self._fresh.put_nowait((store, fresh))

    def start(self) -> None:
        self.container.spawn_managed_thread(self._relay_for_ever, identifier="outbox-relay")
        self.container.spawn_managed_thread(self._sweep_for_ever, identifier="outbox-sweeper")

    def stop(self) -> None:
        """Publish what is waiting; what does not get through is swept up by the next process."""
        with eventlet.Timeout(2.0, False):
            while not self._fresh.empty():
                self.run_once()

    def run_once(self) -> int:
        """Publish what is waiting, one batch at the most; how many events the broker has taken."""
        store, batch = self._fresh.get()
        while len(batch) < BATCH and not self._fresh.empty():
            next_store, more = self._fresh.queue[0]
            if next_store is not store:
                break
            self._fresh.get_nowait()
            batch = [*batch, *more]
        return self._publish(store, batch)

    def sweep_once(self, age_seconds: float) -> int:
        """Publish what is older than that and still unpublished; how many events the broker has taken."""
        before = datetime.now(UTC) - timedelta(seconds=age_seconds)
        done = 0
        for store in self._stores:
            due = [r for r in store.unpublished(before, BATCH) if self._is_due(r.id)]
            if due:
                done += self._publish(store, due)
        return done

    def _relay_for_ever(self) -> None:
        while True:
            self._guarded(self.run_once)

    def _sweep_for_ever(self) -> None:
        settings = self.configuration.settings
        while True:
            eventlet.sleep(settings.outbox_sweep_seconds)
            self._guarded(lambda: self.sweep_once(settings.outbox_sweep_age_seconds))

    def _guarded(self, work: Any) -> None:
        try:
            work()
        except ServiceUnavailable as error:
            log.warning("events wait in the outbox: %s", error)
            eventlet.sleep(0.2)
        except Exception:
            log.exception("the outbox could not be relayed; the sweeper tries again")
            eventlet.sleep(0.2)

    def _publish(self, store: OutboxStore, batch: Sequence[Record]) -> int:
        service = self.container.service_name
        outcome = self.events.get().publish([_outgoing(service, record) for record in batch])
        if outcome.confirmed:
            failpoints.reach("mark.before")
            store.mark_published(sorted(outcome.confirmed))
            failpoints.reach("mark.after")
        self._account(batch, outcome)
        return len(outcome.confirmed)

    def _account(self, batch: Sequence[Record], outcome: Outcome) -> None:
        for record in batch:
            if record.id in outcome.confirmed:
                self._waits.pop(record.id, None)
                metrics.EVENTS_PUBLISHED.labels(record.type).inc()
            elif record.id in outcome.unroutable:
                first, longest = UNROUTABLE_BACKOFF_SECONDS
                _, last = self._waits.get(record.id, (0.0, first / 2))
                wait = min(last * 2, longest)
                self._waits[record.id] = (time.monotonic() + wait, wait)
                metrics.EVENTS_UNROUTABLE.labels(record.type).inc()

    def _is_due(self, record_id: str) -> bool:
        not_before, _ = self._waits.get(record_id, (0.0, 0.0))
        return time.monotonic() >= not_before


def _outgoing(service: str, record: Record) -> Outgoing:
    ids = {"request_id": record.request_id, "traceparent": record.traceparent}
    return Outgoing(
        key=record.id,
        exchange=events_exchange(service),
        routing_key=record.type,
        body=envelope(
            id=record.id,
            service=service,
            type=record.type,
            version=record.version,
            subject=record.aggregate_id,
            time=record.time,
            data=record.data,
            actor=record.actor,
            session=record.session,
        ),
        headers={key: value for key, value in ids.items() if value} | routed_by_actor(record.actor),
    )


def routed_by_actor(actor: str | None) -> dict[str, Any]:
    """The headers that give an event its second routing key; the broker takes them off again."""
    return {"BCC": [BY_ADMIN]} if is_by_admin(actor) else {}
