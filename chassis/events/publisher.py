"""Publishing with confirms: a message counts as sent when the broker has taken it to disk.

Confirms are awaited for a whole batch at once, since each of them costs the broker a disk write.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import amqp
from amqp.basic_message import Message

from chassis import failpoints
from chassis.amqp import SOCKET_TIMEOUT, Link, Waiter
from chassis.errors import ServiceUnavailable

log = logging.getLogger(__name__)

PERSISTENT = 2
CONFIRM_TIMEOUT = 8.0
"""Nothing may be stuck for ten seconds: so whoever waits here for confirms is back before that."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish; `key` names it in the answer of `publish`."""

    key: str
    exchange: str
    routing_key: str
    body: bytes
    headers: dict[str, Any] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(slots=True)
class _Batch:
    waiting: set[str]
    done: Waiter
    confirmed: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def settle(self, key: str, accepted: bool) -> None:
        if key not in self.waiting:
            return
        self.waiting.discard(key)
        if not accepted:
            self.refused.add(key)
        elif key not in self.returned:
            self.confirmed.add(key)
        if not self.waiting:
            self.done.set(None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Keys of the messages that are safe, that found no queue, and of which nothing is known."""

    confirmed: frozenset[str]
    unroutable: frozenset[str]
    unknown: frozenset[str]


class ConfirmedPublisher:
    """Publishes persistent, mandatory messages on a connection of its own.

    One batch at a time: callers queue at a lock. On any failure the connection is dropped, and what
    was not confirmed is reported as unknown; sending it again is safe where receivers deduplicate.
    """

    def __init__(self, amqp_uri: str, name: str) -> None:
        self._turn = threading.Lock()
        self._channel: amqp.Channel | None = None
        self._published = 0
        self._unconfirmed: dict[int, str] = {}
        self._batch: _Batch | None = None
        self._link = Link(amqp_uri, f"{name}-publisher", self._open, self._lost)
        self._link.start()

    @property
    def is_ready(self) -> bool:
        return self._link.is_ready

    def close(self) -> None:
        self._link.stop()

    def publish(self, messages: Sequence[Outgoing], timeout: float = CONFIRM_TIMEOUT) -> Outcome:
        """Publish a batch and wait for its confirms, `timeout` seconds at most.

        ServiceUnavailable when the broker can't be reached at all; nothing was sent then.
        """
        until = time.monotonic() + timeout
        # A write may block as long as a socket's time limit, so it has to begin early enough.
        begin_by = until - min(SOCKET_TIMEOUT, timeout / 2)
        if not self._turn.acquire(timeout=max(begin_by - time.monotonic(), 0)):
            raise ServiceUnavailable("the publisher is busy")
        try:
            self._link.wait_ready(begin_by - time.monotonic())
            return self._publish(messages, until)
        finally:
            self._turn.release()

    def publish_one(self, message: Outgoing, timeout: float = CONFIRM_TIMEOUT) -> None:
        """Publish one message for certain; ServiceUnavailable when that can't be said."""
        outcome = self.publish([message], timeout)
        if message.key not in outcome.confirmed:
            raise ServiceUnavailable("the broker did not take the message")

    def _publish(self, messages: Sequence[Outgoing], until: float) -> Outcome:
        batch = self._batch = _Batch({message.key for message in messages}, Waiter())
        if not messages:
            return Outcome(frozenset(), frozenset(), frozenset())
        try:
            failpoints.reach("publish.before")
            for message in messages:
                self._send(message)
            failpoints.reach("publish.after")
            failpoints.reach("confirm.before")
            if not batch.done.wait(until - time.monotonic()):
                log.warning("%d messages were not confirmed in time", len(batch.waiting))
            failpoints.reach("confirm.after")
        except ServiceUnavailable:
            log.warning("the connection broke while events were being published")
        finally:
            self._batch = None
        return Outcome(
            frozenset(batch.confirmed),
            frozenset(batch.returned),
            frozenset({m.key for m in messages} - batch.confirmed - batch.returned),
        )

    def _send(self, message: Outgoing) -> None:
        channel = self._channel
        self._published += 1
        self._unconfirmed[self._published] = message.key
        properties = {
            "content_type": message.content_type,
            "content_encoding": "utf-8",
            "delivery_mode": PERSISTENT,
            "message_id": message.key,
            "user_id": self._link.user,
            "application_headers": message.headers,
        }
        self._link.publish(
            channel, properties, message.body, message.exchange, message.routing_key, mandatory=True
        )

    def _open(self, connection: amqp.Connection) -> None:
        channel = connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._published = 0
        self._unconfirmed = {}
        self._channel = channel

    def _lost(self) -> None:
        self._unconfirmed = {}
        batch = self._batch
        if batch is not None and batch.waiting:
            batch.waiting.clear()
            batch.done.set(None)

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        self._settle(delivery_tag, multiple, accepted=True)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        self._settle(delivery_tag, multiple, accepted=False)

    def _settle(self, delivery_tag: int, multiple: bool, *, accepted: bool) -> None:
        tags = [tag for tag in self._unconfirmed if tag <= delivery_tag] if multiple else [delivery_tag]
        for tag in tags:
            key = self._unconfirmed.pop(tag, None)
            if key is not None and self._batch is not None:
                self._batch.settle(key, accepted)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Message) -> None:
        # The broker returns a message before it confirms it, so the batch still waits for this key.
        if self._batch is not None:
            self._batch.returned.add(message.properties.get("message_id", ""))
