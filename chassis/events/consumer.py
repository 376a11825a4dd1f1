"""The receiving side of events.

A message is acknowledged when the handler's transaction, which holds the inbox row too, has
committed. A failure sends it through a delay queue back to its own queue, so that it never blocks
its neighbours; after the last delay it becomes a dead letter with its reason.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import amqp
import eventlet
from amqp.basic_message import Message
from eventlet.queue import Empty, LightQueue
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, register_entrypoint

from chassis import failpoints, metrics
from chassis.errors import Error, ServiceUnavailable
from chassis.event import ReceivedEvent
from chassis.events.cloudevents import Malformed, parse
from chassis.events.dead_letters import MALFORMED, Undertaker
from chassis.events.publisher import Outgoing
from chassis.events.topology import Names, declare_handler, delays_ms
from chassis.extensions import Configuration, ConsumerLink, EventPublisher

log = logging.getLogger(__name__)

DEFAULT_PREFETCH = 8
PREFETCH_PER_BATCH = 2
"""One batch is being handled while the next one fills."""


class EventHandler(Entrypoint):
    """Consumes (publisher, event type) pairs through one durable quorum queue, `<service>.<method>`.

    Several publishers are those of each of the types.
    """

    configuration = Configuration()
    consumer = ConsumerLink()
    events = EventPublisher()
    undertaker = Undertaker()

    def __init__(
        self,
        publisher: str | Sequence[str],
        *event_types: str,
        prefetch: int = DEFAULT_PREFETCH,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        publishers = [publisher] if isinstance(publisher, str) else publisher
        self.sources = [(each, event_type) for each in publishers for event_type in event_types]
        self.prefetch = prefetch
        self._channel: amqp.Channel | None = None
        self._accepting = True

    def queue(self) -> str:
        return Names(self.container.service_name).handler_queue(self.method_name)

    def setup(self) -> None:
        self.consumer.add(self._open)

    def stop(self) -> None:
        self._accepting = False
        self.consumer.get().cancel(self._channel, self.queue())

    def _open(self, connection: amqp.Connection) -> None:
        queue = declare_handler(
            connection, Names(self.container.service_name), self.method_name, self.sources
        )
        channel = connection.channel()
        channel.basic_qos(0, self.prefetch, False)
        self._channel = channel
        if self._accepting:
            channel.basic_consume(queue, consumer_tag=queue, callback=self._on_message)

    def _on_message(self, message: Message) -> None:
        """Runs in the reader of the link, so nothing here may wait."""
        channel = self._channel
        message.delivery_info["queue"] = self.queue()
        try:
            event = parse(message)
        except Malformed as error:
            self.undertaker.bury(message, f"{MALFORMED}: {error}", partial(self._ack, channel, message))
            return
        self._received(channel, message, event)

    def _received(self, channel: amqp.Channel, message: Message, event: ReceivedEvent) -> None:
        self._spawn(event, message.headers or {}, partial(self._finish, channel, [message], time.monotonic()))

    def _spawn(self, argument: Any, headers: dict[str, Any], on_result: Callable[..., Any]) -> None:
        context = {
            "request_id": headers.get("request_id"),
            "traceparent": headers.get("traceparent"),
            "validated_user_id": "event",
        }
        try:
            self.container.spawn_worker(self, (argument,), {}, context_data=context, handle_result=on_result)
        except ContainerBeingKilled:
            log.info("the service is stopping; the broker will deliver the message again")

    def _finish(
        self,
        channel: amqp.Channel,
        messages: Sequence[Message],
        started: float,
        _worker: Any,
        result: Any,
        exc_info: Any,
    ) -> tuple[Any, Any]:
        """Runs in the worker, after the handler's transaction."""
        outcome = "ok" if exc_info is None else "failed"
        metrics.observed(metrics.EVENT_HANDLER_SECONDS, self.queue(), outcome).observe(
            time.monotonic() - started
        )
        for message in messages:
            if exc_info is None:
                self._ack(channel, message)
            else:
                self._failed(channel, message, exc_info[1])
        return result, None

    def _failed(self, channel: amqp.Channel, message: Message, error: BaseException) -> None:
        attempt = _attempt(message)
        delays = delays_ms(self.configuration.settings.event_retry_delays)
        reason = f"{type(error).__name__}: {error}"
        if attempt >= len(delays):
            self.undertaker.bury(message, reason, partial(self._ack, channel, message))
            return
        expected = isinstance(error, Error)
        log.warning(
            "an event is tried again in %d ms: %s",
            delays[attempt],
            reason,
            exc_info=None if expected else (type(error), error, error.__traceback__),
            extra={"queue": self.queue(), "attempt": attempt + 1},
        )
        self._retry_later(channel, message, attempt, delays[attempt])

    def _retry_later(self, channel: amqp.Channel, message: Message, attempt: int, delay_ms: int) -> None:
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        names = Names(self.container.service_name)
        again = Outgoing(
            key=str(message.properties.get("message_id")),
            exchange=names.delay,
            routing_key=f"{delay_ms}.{self.queue()}",
            body=body,
            headers=_own_headers(message) | {"x-attempt": attempt + 1},
        )
        try:
            self.events.get().publish_one(again)
        except ServiceUnavailable:
            # Not acknowledged and not copied: given back, after a moment, so that it does not spin.
            eventlet.sleep(delay_ms / 1000)
            self.consumer.get().reject(channel, message.delivery_info["delivery_tag"], requeue=True)
            return
        self._ack(channel, message)

    def _ack(self, channel: amqp.Channel, message: Message) -> None:
        failpoints.reach("acknowledge.before")
        self.consumer.get().ack(channel, message.delivery_info["delivery_tag"])
        failpoints.reach("acknowledge.after")


class BatchEventHandler(EventHandler):
    """Collects events until there are `size` of them or the first has waited `seconds`.

    One batch at a time: two of the same kind mostly write the same rows, and would spend their time on
    each other's locks. What arrives meanwhile is the next one. A batch that fails is handled again one
    by one, so that a poison message only costs itself.
    """

    def __init__(
        self, publisher: str, *event_types: str, size: int = 100, seconds: float = 0.1, **kwargs: Any
    ) -> None:
        super().__init__(publisher, *event_types, prefetch=size * PREFETCH_PER_BATCH, **kwargs)
        self.size = size
        self.seconds = seconds
        self._arrived: LightQueue = LightQueue()

    def start(self) -> None:
        self.container.spawn_managed_thread(self._collect, identifier=f"{self.method_name}-batches")

    def _received(self, channel: amqp.Channel, message: Message, event: ReceivedEvent) -> None:
        self._arrived.put_nowait((channel, message, event))

    def _collect(self) -> None:
        while True:
            batch = [self._arrived.get()]
            until = time.monotonic() + self.seconds
            while len(batch) < self.size:
                try:
                    batch.append(self._arrived.get(timeout=max(until - time.monotonic(), 0)))
                except Empty:
                    break
            if not self._handle(batch):
                for item in batch:
                    self._handle([item])

    def _handle(self, batch: list[tuple[amqp.Channel, Message, ReceivedEvent]]) -> bool:
        """Waits for the worker; False when the batch has to be split."""
        _, first, _ = batch[0]
        events = [event for _, _, event in batch]
        settled = eventlet.event.Event()
        on_result = partial(self._finish_batch, batch, time.monotonic(), settled)
        self._spawn(events, first.headers or {}, on_result)
        return bool(settled.wait())

    def _finish_batch(
        self,
        batch: list[tuple[amqp.Channel, Message, ReceivedEvent]],
        started: float,
        settled: eventlet.event.Event,
        worker: Any,
        result: Any,
        exc_info: Any,
    ) -> tuple[Any, Any]:
        is_split = exc_info is not None and len(batch) > 1
        try:
            if is_split:
                log.warning("a batch of %d events failed and is split: %s", len(batch), exc_info[1])
                return result, None
            for channel, message, _ in batch:
                self._finish(channel, [message], started, worker, result, exc_info)
            return result, None
        finally:
            settled.send(not is_split)


def event_handler(publisher: str | Sequence[str], *event_types: str, **options: Any) -> Callable[[Any], Any]:
    """Decorate `method(self, event: ReceivedEvent)`.

    The method runs inside a transaction of the service's store, together with its inbox row; the
    service therefore needs the attribute `inbox`.
    """

    def decorate(method: Any) -> Any:
        @functools.wraps(method)
        def once(service: Any, event: ReceivedEvent) -> None:
            service.inbox.once(method.__name__, [event], lambda new: method(service, *new))

        register_entrypoint(once, EventHandler(publisher, *event_types, **options))
        return once

    return decorate


def batch_event_handler(publisher: str, *event_types: str, **options: Any) -> Callable[[Any], Any]:
    """Decorate `method(self, events: list[ReceivedEvent])`; it is given only events that are new."""

    def decorate(method: Any) -> Any:
        @functools.wraps(method)
        def once(service: Any, events: list[ReceivedEvent]) -> None:
            service.inbox.once(method.__name__, events, lambda new: method(service, new))

        register_entrypoint(once, BatchEventHandler(publisher, *event_types, **options))
        return once

    return decorate


def _attempt(message: Message) -> int:
    """How often it was tried before. A header is anybody's to write: what is no count is none."""
    attempt = (message.headers or {}).get("x-attempt", 0)
    return max(attempt, 0) if isinstance(attempt, int) else 0


def _own_headers(message: Message) -> dict[str, Any]:
    """The headers that we set ourselves; the broker's own bookkeeping is not sent back to it."""
    return {k: v for k, v in (message.headers or {}).items() if k in ("request_id", "traceparent")}
