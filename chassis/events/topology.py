"""The exchanges and queues of one service's events.

<publisher>.events          topic exchange, as stock Nameko declares it; routing key = event type, and
                            `by_admin` as a second one for what an administrator has caused
<service>.<method>          one quorum queue per handler, bound to the publishers' exchanges
<service>.delay             topic exchange: a failed message goes in under "<ms>.<queue>"
<service>.delay.<ms>        quorum queue that lets a message out again after its delay
<service>.retry             topic exchange: from the delay queues back to the handler's queue
<service>.dead-letters      fanout exchange and quorum queue of what was given up
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import amqp

from chassis.amqp import declare_exchange

DELIVERY_LIMIT = 30
"""A killed process punishes all messages in its prefetch window, the innocent too, so the limit is far
above what a poison message needs: chassis counts attempts itself, and this only stops a crash loop."""

BY_ADMIN = "by_admin"

MAX_QUEUE_LENGTH = 1_000_000
DEAD_LETTER_TTL_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a service's own exchanges and queues."""

    service: str

    @property
    def events(self) -> str:
        return events_exchange(self.service)

    @property
    def delay(self) -> str:
        return f"{self.service}.delay"

    @property
    def retry(self) -> str:
        return f"{self.service}.retry"

    @property
    def dead_letters(self) -> str:
        return f"{self.service}.dead-letters"

    def handler_queue(self, method: str) -> str:
        return f"{self.service}.{method}"

    def delay_queue(self, delay_ms: int) -> str:
        return f"{self.service}.delay.{delay_ms}"


def events_exchange(service: str) -> str:
    return f"{service}.events"


def delays_ms(delays: Sequence[float]) -> list[int]:
    return [int(delay * 1000) for delay in delays]


def declare_shared(connection: amqp.Connection, names: Names, delays: Sequence[float]) -> None:
    """Declare what all handlers of a service share. Declaring again changes nothing."""
    channel = connection.channel()
    for exchange in (names.events, names.delay, names.retry):
        channel.exchange_declare(exchange, type="topic", durable=True, auto_delete=False)
    channel.exchange_declare(names.dead_letters, type="fanout", durable=True, auto_delete=False)
    channel.queue_declare(
        names.dead_letters,
        durable=True,
        auto_delete=False,
        arguments={"x-queue-type": "quorum", "x-message-ttl": DEAD_LETTER_TTL_MS},
    )
    channel.queue_bind(names.dead_letters, names.dead_letters)
    for delay in delays_ms(delays):
        queue = names.delay_queue(delay)
        channel.queue_declare(
            queue, durable=True, auto_delete=False, arguments=_quorum(names.retry) | {"x-message-ttl": delay}
        )
        channel.queue_bind(queue, names.delay, f"{delay}.#")
    channel.close()


def declare_handler(
    connection: amqp.Connection, names: Names, method: str, sources: Sequence[tuple[str, str]]
) -> str:
    """Declare a handler's queue, bind it to (publisher, event type) pairs, and return its name."""
    for publisher in sorted({publisher for publisher, _ in sources}):
        declare_exchange(connection, events_exchange(publisher))
    channel = connection.channel()
    queue = names.handler_queue(method)
    arguments = _quorum(names.dead_letters) | {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-max-length": MAX_QUEUE_LENGTH,
    }
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    for publisher, event_type in sources:
        channel.queue_bind(queue, events_exchange(publisher), event_type)
    channel.queue_bind(queue, names.retry, f"*.{queue}")
    channel.close()
    return queue


def _quorum(dead_letter_exchange: str) -> dict[str, object]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": dead_letter_exchange,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
