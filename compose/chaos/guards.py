"""What makes the promises hold, each of which can be taken off a process that chaos starts.

A test that can't fail proves nothing: with a guard off, the row that relies on it has to find a loss.
Nothing of this is reachable from a service: only chaos' own programs import it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

VARIABLE = "GUARD_OFF"
FOR_EVER = 3600.0


def no_inbox() -> None:
    """Every delivery is handled, the second one too."""
    from chassis.mongo import MongoInboxStore
    from chassis.sql import SqlInboxStore

    def in_mongo(self: Any, consumer: str, events: Sequence[Any], work: Callable[[Any], None]) -> None:
        self._mongo.transaction(lambda: work(list(events)))

    def in_sql(self: Any, consumer: str, events: Sequence[Any], work: Callable[[Any], None]) -> None:
        self._sql.transaction(lambda: work(list(events)))

    MongoInboxStore.once = in_mongo  # type: ignore[method-assign]
    SqlInboxStore.once = in_sql  # type: ignore[method-assign]


def early_acknowledgement() -> None:
    """A message is acknowledged when it arrives, as stock handlers that fail do, and not after the commit."""
    from chassis.events import consumer

    received, spawn_batch = consumer.EventHandler._received, consumer.BatchEventHandler._received

    def acknowledging(inner: Any, self: Any, channel: Any, message: Any, event: Any) -> None:
        self.consumer.get().ack(channel, message.delivery_info["delivery_tag"])
        inner(self, channel, message, event)

    def nothing(self: Any, channel: Any, message: Any) -> None:
        """It has been acknowledged long ago."""

    consumer.EventHandler._received = _method(acknowledging, received)  # type: ignore[method-assign]
    consumer.BatchEventHandler._received = _method(acknowledging, spawn_batch)  # type: ignore[method-assign]
    consumer.EventHandler._ack = nothing  # type: ignore[method-assign]


def no_sweeper() -> None:
    """What a crash left behind in the outbox stays there."""
    from chassis.events.outbox import Relay

    Relay.sweep_once = lambda self, age_seconds: 0  # type: ignore[method-assign]


def no_confirms() -> None:
    """An event counts as published when it was written to the socket."""
    from chassis.amqp import Waiter
    from chassis.events import publisher

    class Satisfied(Waiter):
        __slots__ = ()

        def wait(self, timeout: float | None = None) -> bool:
            return True

    inner = publisher.ConfirmedPublisher._publish

    def believing(self: Any, messages: Sequence[publisher.Outgoing], until: float) -> publisher.Outcome:
        inner(self, messages, until)
        return publisher.Outcome(frozenset(m.key for m in messages), frozenset(), frozenset())

    publisher.Waiter = Satisfied  # type: ignore[attr-defined]
    publisher.ConfirmedPublisher._publish = believing  # type: ignore[method-assign]


def no_redelivery_check() -> None:
    """A request in the hands of a process that died runs once more in the next one."""
    _before_dispatch(lambda message: message.delivery_info.update(redelivered=False))


def kept_connections() -> None:
    """A connection that was lost is left as it is, its socket included."""
    from chassis import amqp

    kept: list[Any] = []
    amqp._discard = kept.append  # type: ignore[assignment]


def no_deadline() -> None:
    """A request that nobody waits for any more is run all the same, and the broker keeps it for ever."""
    _before_dispatch(lambda message: (message.headers or {}).pop("nameko.deadline_ms", None))


def no_dead_letters() -> None:
    """What can't be handled is acknowledged, as stock Nameko does: nobody hears of it again."""
    from chassis.events.dead_letters import Undertaker

    Undertaker.bury = lambda self, message, reason, on_done: on_done()  # type: ignore[method-assign]


def no_resume() -> None:
    """A saga belongs for ever to the process that took it, even when that is dead."""
    from chassis.mongo import MongoSagaStore
    from chassis.sql import SqlSagaStore

    def leave_to_the_dead(inner: Any, self: Any, type: str, now: Any, until: Any, token: str) -> Any:
        return inner(self, type, now, until.replace(year=until.year + 1), token)

    MongoSagaStore.lease = _method(leave_to_the_dead, MongoSagaStore.lease)  # type: ignore[method-assign]
    SqlSagaStore.lease = _method(leave_to_the_dead, SqlSagaStore.lease)  # type: ignore[method-assign]


def no_order_key() -> None:
    """An order that is repeated after a crash is a new one to the payment provider."""
    from httpx import Client

    inner = Client.request

    def request(self: Any, method: str, url: Any, **options: Any) -> Any:
        headers = options.get("headers") or {}
        if "Idempotency-Key" in headers:
            options["headers"] = {**headers, "Idempotency-Key": uuid.uuid4().hex}
        return inner(self, method, url, **options)

    Client.request = request  # type: ignore[method-assign]


def no_time_limits() -> None:
    """A confirm is waited for until it comes, and a write until the broker reads."""
    from chassis import amqp
    from chassis.events.publisher import ConfirmedPublisher

    inner = ConfirmedPublisher.publish
    ConfirmedPublisher.publish = lambda self, messages, timeout=0: inner(self, messages, FOR_EVER)  # type: ignore[method-assign]
    amqp.SOCKET_TIMEOUT = FOR_EVER


def no_prefetch() -> None:
    """The broker hands a consumer all that there is, whether it acknowledges or not."""
    from amqp import Channel

    inner = Channel.basic_qos
    Channel.basic_qos = lambda self, size, count, a_global: inner(self, 0, 0, a_global)


def no_transactions() -> None:
    """What belongs together is written one by one, and whoever looks or dies in between sees a part of it."""
    from chassis.mongo import Mongo

    def one_by_one(self: Any, work: Callable[[], Any]) -> Any:
        if self._after.get() is not None:
            return work()
        hooks: list[Callable[[], None]] = []
        token = self._after.set(hooks)
        try:
            result = work()
        finally:
            self._after.reset(token)
        for hook in hooks:
            hook()
        return result

    Mongo.transaction = one_by_one  # type: ignore[method-assign]


def no_synchronous_commit() -> None:
    """PostgreSQL says that it has committed before anything of it is on the disk."""
    import sqlalchemy

    inner = sqlalchemy.create_engine

    def create_engine(url: str, **options: Any) -> Any:
        given = options["connect_args"]
        lax = {**given, "options": f"{given['options']} -c synchronous_commit=off"}
        return inner(url, **{**options, "connect_args": lax})

    sqlalchemy.create_engine = create_engine  # type: ignore[assignment]


def no_fallback() -> None:
    """Without Redis the gateway knows no answer."""
    from gateway import idempotency

    class Unforeseen(Exception):
        """Nobody has thought of it."""

    idempotency.StoreUnavailable = Unforeseen  # type: ignore[assignment,attr-defined]


def fixed_places() -> None:
    """So many requests are let in, and so many wait for a service, however long that takes them."""
    from gateway.door import Door
    from gateway.waiting import AdaptiveLimit

    Door.is_shut = lambda self, connection: False  # type: ignore[method-assign]
    AdaptiveLimit.note = lambda self, took, under_way, now: None  # type: ignore[method-assign]


def careless(client: Any) -> None:
    """The broker drops what this RPC client sends to nobody, without a word."""
    publish = client._link.publish
    client._link.publish = lambda *arguments, mandatory: publish(*arguments, mandatory=False)


def in_the_client() -> None:
    """`mandatory` is taken off the client, which is part of the row and not a program of its own."""


GUARDS: Mapping[str, Callable[[], None]] = {
    "inbox": no_inbox,
    "late_acknowledgement": early_acknowledgement,
    "sweeper": no_sweeper,
    "confirms": no_confirms,
    "redelivery_check": no_redelivery_check,
    "discard": kept_connections,
    "deadline": no_deadline,
    "dead_letters": no_dead_letters,
    "resume": no_resume,
    "order_key": no_order_key,
    "time_limits": no_time_limits,
    "prefetch": no_prefetch,
    "mandatory": in_the_client,
    "synchronous_commit": no_synchronous_commit,
    "transactions": no_transactions,
}

GATEWAY_GUARDS: Mapping[str, Callable[[], None]] = {"fallback": no_fallback, "waiting_time": fixed_places}
"""Taken off the gateway, which is no Nameko service."""


def take_off_from_environment() -> None:
    if name := os.environ.get(VARIABLE):
        {**GUARDS, **GATEWAY_GUARDS}[name]()


def _before_dispatch(tamper: Callable[[Any], Any]) -> None:
    from chassis.rpc.server import RpcServer

    inner = RpcServer._dispatch

    def dispatch(self: Any, channel: Any, message: Any) -> None:
        tamper(message)
        inner(self, channel, message)

    RpcServer._dispatch = dispatch  # type: ignore[method-assign]


def _method(function: Callable[..., Any], inner: Callable[..., Any]) -> Any:
    bound = partial(function, inner)
    return lambda self, *arguments: bound(self, *arguments)
