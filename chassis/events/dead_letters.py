"""Messages that were given up: how they get into the dead-letter queue, and the operator's way back."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import amqp
import eventlet
from amqp.basic_message import Message
from nameko.extensions import SharedExtension

from chassis import metrics
from chassis.amqp import Link
from chassis.errors import Conflict, NotFound, ServiceUnavailable
from chassis.events.cloudevents import Malformed, parse
from chassis.events.publisher import ConfirmedPublisher, Outgoing
from chassis.events.topology import Names, declare_shared
from chassis.extensions import Configuration, ConsumerLink, EventPublisher

log = logging.getLogger(__name__)

REASON_LENGTH = 500
"""Enough to see what went wrong; a header frame must stay small."""

BURY_RETRY_SECONDS = 1.0

MALFORMED = "malformed"
"""How the reason begins that is given for a message that is no event."""

LOOK_AT_MOST = 10_000
"""What is listed at once: letters of the usual size fill some ten megabytes."""


class Undertaker(SharedExtension):
    """Moves messages to the service's dead-letter queue, with the reason in their headers."""

    configuration = Configuration()
    consumer = ConsumerLink()
    events = EventPublisher()

    def __init__(self) -> None:
        self._registered = False

    def setup(self) -> None:
        if not self._registered:
            self._registered = True
            self.consumer.add(self._open, first=True)

    def _open(self, connection: amqp.Connection) -> None:
        delays = self.configuration.settings.event_retry_delays
        declare_shared(connection, Names(self.container.service_name), delays)

    def bury(self, message: Message, reason: str, on_done: Callable[[], None]) -> None:
        """Dead-letter a message in the background, and then call `on_done` to acknowledge it.

        While the broker does not take it, the message stays unacknowledged, so it is never lost.
        """
        eventlet.spawn_n(self._bury, message, reason, on_done)

    def _bury(self, message: Message, reason: str, on_done: Callable[[], None]) -> None:
        outgoing = _coffin(self.container.service_name, message, reason)
        while True:
            try:
                self.events.get().publish_one(outgoing)
                break
            except ServiceUnavailable:
                eventlet.sleep(BURY_RETRY_SECONDS)
        queue = str(outgoing.headers["x-queue"])
        metrics.DEAD_LETTERS.labels(queue, reason.partition(":")[0]).inc()
        log.error("a message was dead-lettered", extra={"queue": queue, "reason": reason})
        on_done()


def _coffin(service: str, message: Message, reason: str) -> Outgoing:
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    headers = dict(message.headers or {})
    attempts = headers.get("x-attempt", 0)
    return Outgoing(
        key=str(message.properties.get("message_id") or uuid.uuid4()),
        exchange=Names(service).dead_letters,
        routing_key="",
        body=body,
        headers={
            "x-queue": str(message.delivery_info.get("queue") or headers.get("x-queue", "")),
            "x-reason": reason[:REASON_LENGTH],
            "x-attempt": attempts if isinstance(attempts, int) else 0,
            "x-routing-key": str(message.delivery_info.get("routing_key", "")),
        },
        content_type=str(message.properties.get("content_type") or "application/octet-stream"),
    )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message in the dead-letter queue. `number` counts from 1 in the queue's order."""

    number: int
    id: str
    queue: str
    reason: str
    attempts: int
    body: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "id": self.id,
            "queue": self.queue,
            "reason": self.reason,
            "attempts": self.attempts,
            "body": _json_or_text(self.body),
        }


class DeadLetterQueue:
    """The operator's view of one service's dead letters. Every call may be repeated without harm:
    a replayed event that was handled after all is stopped by its inbox."""

    def __init__(self, amqp_uri: str, service: str) -> None:
        self._uri = amqp_uri
        self._names = Names(service)

    def list(self, limit: int = 100) -> list[DeadLetter]:
        """The first `limit` dead letters; they stay where they are."""
        found: list[DeadLetter] = []
        with _Session(self._uri) as channel:
            for message in self._take(channel, limit):
                found.append(_letter(len(found) + 1, message))
        return found

    def find(self, letter_id: str) -> Sequence[DeadLetter]:
        """However many lie before it. Several handlers of one service may have given up the same event."""
        with _Session(self._uri) as channel:
            return [
                _letter(number, message)
                for number, message in enumerate(self._take(channel), 1)
                if _id(message) == letter_id
            ]

    def replay(self, letter_id: str | None = None) -> int:
        """Send one dead letter (or all of them) back to the queue it came from; how many were sent.

        What is no event, or whose queue is gone, stays where it is and stops no other; Conflict says so in
        the end.
        """
        publisher = ConfirmedPublisher(self._uri, "dead-letters")
        try:
            return self._remove(letter_id, lambda message: self._send_back(publisher, message))
        finally:
            publisher.close()

    def drop(self, letter_id: str | None = None) -> int:
        """Throw one dead letter (or all of them) away for good; how many were dropped."""
        return self._remove(letter_id, lambda message: True)

    def _remove(self, letter_id: str | None, act: Callable[[Message], bool]) -> int:
        done, kept = 0, 0
        with _Session(self._uri) as channel:
            for message in self._take(channel):
                if letter_id not in (None, _id(message)):
                    continue
                if act(message):
                    channel.basic_ack(message.delivery_info["delivery_tag"])
                    done += 1
                else:
                    kept += 1
        if kept:
            raise Conflict(f"{done} sent back; {kept} stay, since they are no events or their queue is gone")
        if letter_id is not None and done == 0:
            raise NotFound(f"there is no dead letter {letter_id}")
        return done

    def _take(self, channel: amqp.Channel, limit: int | None = None) -> Iterator[Message]:
        """The first `limit` messages, or as many as there are now: what is given up meanwhile can wait."""
        queue = self._names.dead_letters
        try:
            waiting = channel.queue_declare(queue, passive=True).message_count
        except amqp.exceptions.NotFound:
            # The service has never run here, so it has given up nothing.
            return
        for _ in range(waiting if limit is None else min(limit, waiting)):
            message = channel.basic_get(queue)
            if message is None:
                return
            yield message

    def _send_back(self, publisher: ConfirmedPublisher, message: Message) -> bool:
        if not _is_event(message):
            return False
        letter = _letter(0, message)
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        outgoing = Outgoing(letter.id, self._names.retry, f"0.{letter.queue}", body, {"x-attempt": 0})
        outcome = publisher.publish([outgoing])
        if letter.id in outcome.unknown:
            raise ServiceUnavailable("the broker did not say whether it has the message; replay again")
        return letter.id in outcome.confirmed


class _Session:
    """A short connection; what was taken and not acknowledged goes back when it closes."""

    def __init__(self, uri: str) -> None:
        self._connected = Link(uri, "dead-letters", lambda connection: None)

    def __enter__(self) -> amqp.Channel:
        self._connection = self._connected.connect_once()
        return self._connection.channel()

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()


def _letter(number: int, message: Message) -> DeadLetter:
    """The broker's own account comes first: a sender may have written the other headers itself."""
    headers = message.headers or {}
    death = (headers.get("x-death") or [{}])[0]
    body = message.body if isinstance(message.body, str) else message.body.decode("utf-8", "replace")
    attempts = headers.get("x-attempt", 0)
    return DeadLetter(
        number=number,
        id=_id(message),
        queue=str(death.get("queue") or headers.get("x-queue", "")),
        reason=str(death.get("reason") or headers.get("x-reason", "")),
        attempts=attempts if isinstance(attempts, int) else 0,
        body=body,
    )


def _id(message: Message) -> str:
    return str(message.properties.get("message_id", ""))


def _is_event(message: Message) -> bool:
    """A replay goes round the check that an event came by its source's exchange, so it must have passed it.

    What we buried was checked when it came; what the broker gave up may never have been looked at.
    """
    death = ((message.headers or {}).get("x-death") or [{}])[0]
    [routing_key, *_] = death.get("routing-keys") or [""]
    message.delivery_info |= {"exchange": death.get("exchange", ""), "routing_key": routing_key}
    try:
        parse(message)
    except Malformed:
        return False
    return not _letter(0, message).reason.startswith(MALFORMED)


def _json_or_text(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
