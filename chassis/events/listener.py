"""Events for a process that only watches: best effort, from now on, to every process that asks.

There is no inbox and no retry: what a listener does with an event must not matter if it is lost
(pushing it on to a browser, dropping a cache). What matters goes through `event_handler`.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence

import amqp
from amqp.basic_message import Message

from chassis.amqp import Link, declare_exchange
from chassis.event import ReceivedEvent
from chassis.events.cloudevents import Malformed, parse
from chassis.events.topology import events_exchange

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
"""A listener that is this far behind loses the oldest events instead of filling the broker."""


class EventListener:
    """Calls `callback` for each event of the given (publisher, type) pairs.

    The callback runs in the link's reader and must not wait. `on_gap` is called whenever the
    connection was lost and is there again: events may have been missed.
    """

    def __init__(
        self,
        amqp_uri: str,
        name: str,
        sources: Sequence[tuple[str, str]],
        callback: Callable[[ReceivedEvent], None],
        on_gap: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._sources = sources
        self._callback = callback
        self._on_gap = on_gap
        self._opened_before = False
        self._link = Link(amqp_uri, f"{name}-listener", self._open)

    def start(self) -> None:
        self._link.start()

    def wait_ready(self, timeout: float) -> None:
        self._link.wait_ready(timeout)

    @property
    def is_ready(self) -> bool:
        return self._link.is_ready

    def stop(self) -> None:
        self._link.stop()

    def _open(self, connection: amqp.Connection) -> None:
        for publisher in sorted({publisher for publisher, _ in self._sources}):
            declare_exchange(connection, events_exchange(publisher))
        channel = connection.channel()
        queue = f"{self._name}.listener-{uuid.uuid4()}"
        channel.queue_declare(
            queue,
            exclusive=True,
            auto_delete=True,
            arguments={"x-max-length": MAX_WAITING, "x-overflow": "drop-head"},
        )
        for publisher, event_type in self._sources:
            channel.queue_bind(queue, events_exchange(publisher), event_type)
        channel.basic_consume(queue, no_ack=True, callback=self._on_message)
        if self._opened_before:
            self._on_gap()
        self._opened_before = True

    def _on_message(self, message: Message) -> None:
        try:
            self._callback(parse(message))
        except Malformed as error:
            log.warning("a listener skipped a message: %s", error)
        except Exception:
            log.exception("a listener's callback failed")
