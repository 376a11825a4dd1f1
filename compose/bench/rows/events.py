"""Events out and in. Ours go to a quorum queue, as chassis declares it; stock's to a durable classic one."""

import itertools
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import amqp
import orjson
import sqlalchemy as sa

from chassis.amqp import declare_exchange
from chassis.errors import ServiceUnavailable
from chassis.events.cloudevents import envelope
from chassis.events.publisher import ConfirmedPublisher, Outgoing
from chassis.events.topology import Names, declare_handler, events_exchange
from chassis.ids import new_id
from compose.bench import tables
from compose.bench.context import Context
from compose.bench.measure import Row, Target
from compose.bench.raw.connection import connect
from compose.errors import ComposeError
from compose.names import OPERATOR

PAYLOAD = {"campaign_id": "cmp_01hzy3v7mdef1qzxk2a9v5c0wt", "text": "x" * 200}
WARM_UP_EVENTS = 200
OUR_EVENTS = 10_000
STOCK_EVENTS = 1_000
HANDLED_EVENTS = 1_500
BATCHED_EVENTS = 6_000
OUR_QUEUE_OWNER = "bench_sink"
STOCK_QUEUE = "evt-stock_publisher-measured--stock_sink.on_measured"
LONGEST_ROUND = 120
STOCK_SOURCE = "stock_source"

MakeEvent = Callable[[int, int], Outgoing]


def publish_vs_stock(context: Context) -> Row:
    queues = declare_sinks(context)
    context.fleet.ours("publisher")
    context.fleet.stock("publisher")
    for service in ("bench_publisher", "stock_publisher"):
        context.fleet.wait_for(service, "run", {"events": 0, "payload": PAYLOAD})

    def rate(service: str, events: int) -> float:
        answer = context.fleet.call(service, "run", {"events": events, "payload": PAYLOAD})
        for queue in queues:
            purge(context, queue)
        return events / float(answer["seconds"])

    rate("bench_publisher", WARM_UP_EVENTS)
    rate("stock_publisher", WARM_UP_EVENTS)
    ours, stock = context.in_turn(
        lambda: rate("bench_publisher", OUR_EVENTS), lambda: rate("stock_publisher", STOCK_EVENTS)
    )
    return Row(
        name="event_publish_vs_stock",
        what=f"events published and confirmed by the broker; ours: {OUR_EVENTS} a round through the relay, "
        f"ten to a commit (the commit itself left out), into a quorum queue; stock: {STOCK_EVENTS} a "
        "round through EventDispatcher into a durable classic queue",
        unit="events/s",
        higher_is_better=True,
        target=Target(at_least=5),
        peer_name="stock Nameko 2.14",
        ours=ours,
        peer=stock,
    )


def consume_vs_stock(context: Context) -> Row:
    ours, stock = consumed(context, "consumer", HANDLED_EVENTS)
    return Row(
        name="event_consume_vs_stock",
        what=f"{HANDLED_EVENTS} events a round, each handled with its inbox row in one commit and "
        "acknowledged after it, against a stock handler that writes the same row without any guarantee; "
        "PostgreSQL",
        unit="events/s",
        higher_is_better=True,
        target=Target(at_least=1),
        peer_name="stock Nameko 2.14",
        ours=ours,
        peer=stock,
    )


def consume_batches_vs_stock(context: Context) -> Row:
    ours, stock = consumed(context, "batches", BATCHED_EVENTS)
    return Row(
        name="event_consume_batches_vs_stock",
        what=f"the same with a batch handler (100 events a commit, {BATCHED_EVENTS} a round), which is what "
        f"busy consumers of the platform use; stock: {HANDLED_EVENTS} a round",
        unit="events/s",
        higher_is_better=True,
        target=Target(at_least=1),
        peer_name="stock Nameko 2.14",
        ours=ours,
        peer=stock,
    )


def consumed(context: Context, service: str, our_events: int) -> tuple[list[float], list[float]]:
    our_source = {"consumer": "bench_single", "batches": "bench_batch"}[service]
    our_event = partial(an_event_of_ours, our_source)
    declare_exchanges(context, our_source, STOCK_SOURCE)
    engine = tables.create(context.stack.postgres_admin_url)
    database = tables.url(context.stack.postgres_admin_url)
    context.fleet.ours(service, DATABASE_URL=database)
    context.fleet.stock("consumer", DATABASE_URL=database)
    publisher = ConfirmedPublisher(context.stack.amqp_uri(OPERATOR), "bench-source")
    # A queue may still hold events of a run that was interrupted, so rounds have numbers of their own.
    numbers = itertools.count(int(time.time()))
    try:

        def rate(side: str, make: MakeEvent, count: int) -> float:
            number = next(numbers)
            publish(publisher, [make(number, index) for index in range(count)])
            return count / seconds_to_handle(engine, side, number, count)

        sides: list[tuple[str, MakeEvent]] = [("ours", our_event), ("stock", stock_event)]
        for side, make in sides:
            context.fleet.wait_until(partial(is_bound, publisher, make), f"the consumer of {side}")
            rate(side, make, WARM_UP_EVENTS)
        return context.in_turn(
            lambda: rate("ours", our_event, our_events), lambda: rate("stock", stock_event, HANDLED_EVENTS)
        )
    finally:
        publisher.close()
        engine.dispose()


def seconds_to_handle(engine: sa.Engine, side: str, number: int, count: int) -> float:
    """From the first row to the last, by the database's clock; waits until all are there."""
    rows = tables.handled.c
    query = sa.select(
        sa.func.count(), sa.func.extract("epoch", sa.func.max(rows.at) - sa.func.min(rows.at))
    ).where(rows.side == side, rows.round == number)
    deadline = time.monotonic() + LONGEST_ROUND
    while time.monotonic() < deadline:
        with engine.connect() as connection:
            done, seconds = connection.execute(query).one()
        if done >= count:
            return max(float(seconds), 0.001)
        time.sleep(0.25)
    raise ComposeError(f"{side} handled {done} of {count} events within {LONGEST_ROUND} s.")


def an_event_of_ours(source: str, number: int, index: int) -> Outgoing:
    key = new_id("evt")
    data: dict[str, Any] = {"round": number, "number": index, **PAYLOAD}
    body = envelope(
        id=key,
        service=source,
        type="measured",
        version=1,
        subject="agg",
        time=datetime.now(UTC),
        data=data,
    )
    return Outgoing(key=key, exchange=events_exchange(source), routing_key="measured", body=body)


def stock_event(number: int, index: int) -> Outgoing:
    body = orjson.dumps({"round": number, "number": index, **PAYLOAD})
    return Outgoing(
        key=new_id("evt"), exchange=events_exchange(STOCK_SOURCE), routing_key="measured", body=body
    )


def publish(publisher: ConfirmedPublisher, messages: Sequence[Outgoing]) -> None:
    if len(publisher.publish(messages, timeout=LONGEST_ROUND).confirmed) < len(messages):
        raise ServiceUnavailable("not all events of the round were taken")


def is_bound(publisher: ConfirmedPublisher, make: MakeEvent) -> bool:
    """Whether the consumer's queue is there: then the broker does not return what is published."""
    try:
        return bool(publisher.publish([make(-1, 0)], timeout=5).confirmed)
    except ServiceUnavailable:
        return False


def declare_sinks(context: Context) -> tuple[str, str]:
    """The queues that hold what is published, each as its side's subscriber declares it."""
    connection = connect(context.stack.amqp_uri(OPERATOR))
    try:
        names = Names(OUR_QUEUE_OWNER)
        channel = connection.channel()
        for exchange in (names.retry, events_exchange("bench_publisher"), events_exchange("stock_publisher")):
            channel.exchange_declare(exchange, type="topic", durable=True, auto_delete=False)
        channel.queue_declare(STOCK_QUEUE, durable=True, auto_delete=False)
        channel.queue_bind(STOCK_QUEUE, events_exchange("stock_publisher"), "measured")
        ours = declare_handler(connection, names, "on_measured", [("bench_publisher", "measured")])
        return ours, STOCK_QUEUE
    finally:
        connection.close()


def declare_exchanges(context: Context, *sources: str) -> None:
    """The publisher of a round is nobody's service, so nobody else declares them."""
    connection = connect(context.stack.amqp_uri(OPERATOR))
    try:
        for source in sources:
            declare_exchange(connection, events_exchange(source))
    finally:
        connection.close()


def purge(context: Context, queue: str) -> None:
    connection: amqp.Connection = connect(context.stack.amqp_uri(OPERATOR))
    try:
        connection.channel().queue_purge(queue)
    finally:
        connection.close()
