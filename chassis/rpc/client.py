"""The calling side of RPC: one connection for requests and replies, shared by the whole process.

Requests are transient and not confirmed. `mandatory` makes the broker return a request for which
there is no queue, so that a missing service is known at once; a service that is there and silent
is known when the deadline passes. Nothing waits for ever, and nothing is left behind: a reply
whose call has given up finds no entry and is dropped.
"""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import amqp
from amqp.basic_message import Message

from chassis import metrics, tracing
from chassis.amqp import Link, Waiter, declare_exchange, epoch_ms
from chassis.context import EMPTY, CallContext
from chassis.errors import DeadlineExceeded, Error, ServiceUnavailable, from_wire
from chassis.rpc import wire

__all__ = ["CallContext", "RpcConnection"]

log = logging.getLogger(__name__)

_RETURNED, _LOST = object(), object()


class RpcConnection:
    """Calls other services, and sends the replies of this one.

    `name` is what the reply queue is called after; the AMQP user in the URI is who we are to the
    services that check their callers. Safe to share between threads and greenlets.
    """

    def __init__(self, amqp_uri: str, name: str, *, default_timeout: float = 5.0) -> None:
        self._name = name
        self._reply_to = ""
        self._default_timeout = default_timeout
        self._pending: dict[str, Waiter] = {}
        self._numbers = itertools.count(1)
        self._channel: amqp.Channel | None = None
        self._link = Link(amqp_uri, f"{name}-rpc", self._open, self._fail_pending)
        self._link.start()

    @property
    def is_ready(self) -> bool:
        return self._link.is_ready

    @property
    def pending(self) -> int:
        """How many calls wait for an answer at this moment."""
        return len(self._pending)

    def close(self) -> None:
        self._link.stop()

    def call(
        self,
        service: str,
        method: str,
        request: Any,
        *,
        timeout: float | None = None,
        context: CallContext = EMPTY,
    ) -> Any:
        """Call `service.method(request)` and return its JSON answer.

        Raises the Error that the service answered; ServiceUnavailable when nobody listens or the
        connection breaks (then the outcome is unknown); DeadlineExceeded when no answer came within
        `timeout` seconds, or what is left of the context's deadline.
        """
        started = time.monotonic()
        outcome = "ok"
        try:
            if not tracing.is_recording():
                return self._call(service, method, request, timeout, context, context.traceparent)
            with tracing.span(f"rpc {service}.{method}", tracing.CLIENT, context.traceparent) as traceparent:
                return self._call(service, method, request, timeout, context, traceparent)
        except Error as error:
            outcome = error.code
            raise
        finally:
            metrics.observed(metrics.RPC_CLIENT_SECONDS, service, method, outcome).observe(
                time.monotonic() - started
            )

    def _call(
        self,
        service: str,
        method: str,
        request: Any,
        timeout: float | None,
        context: CallContext,
        traceparent: str | None,
    ) -> Any:
        allowed = context.remaining(self._default_timeout if timeout is None else timeout)
        if allowed <= 0:
            raise DeadlineExceeded(f"no time was left to call {service}.{method}")
        until = time.monotonic() + allowed
        body = wire.dump({"args": [request], "kwargs": {}})
        self._link.wait_ready(allowed)
        if self._link.blocked:
            raise ServiceUnavailable("the message broker accepts nothing at the moment")
        correlation_id = f"{self._reply_to}.{next(self._numbers)}"
        waiter = self._pending[correlation_id] = Waiter()
        try:
            left = until - time.monotonic()
            properties = {
                "content_type": wire.CONTENT_TYPE,
                "content_encoding": "utf-8",
                "delivery_mode": wire.TRANSIENT,
                "reply_to": self._reply_to,
                "correlation_id": correlation_id,
                "user_id": self._link.user,
                "expiration": str(max(int(left * 1000), 1)),
                "application_headers": wire.headers(
                    _with_trace(context, traceparent), correlation_id, epoch_ms() + int(left * 1000)
                ),
            }
            key = wire.routing_key(service, method)
            self._link.publish(self._channel, properties, body, wire.EXCHANGE, key, mandatory=True)
            answered = waiter.wait(until - time.monotonic())
        finally:
            self._pending.pop(correlation_id, None)
        if not answered:
            raise DeadlineExceeded(f"{service} did not answer {method} in time")
        return self._result(service, waiter.value)

    def _result(self, service: str, reply: Any) -> Any:
        if reply is _RETURNED:
            raise ServiceUnavailable(f"{service} is not running")
        if reply is _LOST:
            raise ServiceUnavailable(f"the connection broke while {service} was working")
        error = reply.get("error")
        if error:
            raise from_wire(error)
        return reply.get("result")

    def reply(self, reply_to: str, correlation_id: str | None, body: bytes, content_type: str) -> None:
        """Send an answer, best effort: a caller who is gone does not matter, and is not waited for."""
        properties = {
            "content_type": content_type,
            "content_encoding": "utf-8",
            "delivery_mode": wire.TRANSIENT,
            "correlation_id": correlation_id,
            "user_id": self._link.user,
        }
        self._link.wait_ready(self._default_timeout)
        self._link.publish(self._channel, properties, body, wire.EXCHANGE, reply_to, mandatory=False)

    def _open(self, connection: amqp.Connection) -> None:
        # A new name for each connection: the broker may still hold the exclusive queue of the old one.
        reply_to = str(uuid.uuid4())
        queue = f"rpc.reply-{self._name}-{reply_to}"
        declare_exchange(connection, wire.EXCHANGE)
        channel = connection.channel()
        # JSON is read from bytes.
        channel.auto_decode = False
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        channel.queue_bind(queue, wire.EXCHANGE, reply_to)
        channel.basic_consume(queue, no_ack=True, callback=self._on_reply)
        channel.events["basic_return"].add(self._on_return)
        self._reply_to, self._channel = reply_to, channel

    def _on_reply(self, message: Message) -> None:
        waiter = self._pending.pop(message.properties.get("correlation_id", ""), None)
        if waiter is None:
            return
        try:
            reply = wire.load(message.body)
            waiter.set(reply if isinstance(reply, dict) else _LOST)
        except ValueError:
            log.warning("a reply could not be decoded")
            waiter.set(_LOST)

    def _on_return(self, _error: Exception, _exchange: str, _routing_key: str, message: Message) -> None:
        waiter = self._pending.pop(message.properties.get("correlation_id", ""), None)
        if waiter is not None:
            waiter.set(_RETURNED)

    def _fail_pending(self) -> None:
        while self._pending:
            _, waiter = self._pending.popitem()
            waiter.set(_LOST)


class ServiceProxy:
    """`proxy.method(request, timeout=…)` calls one service, in the context that is current then."""

    def __init__(
        self, connection: RpcConnection, service: str, context: Callable[[], CallContext] = lambda: EMPTY
    ) -> None:
        self._connection = connection
        self._service = service
        self._context = context

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(request: Any = None, *, timeout: float | None = None) -> Any:
            return self._connection.call(
                self._service, method, request or {}, timeout=timeout, context=self._context()
            )

        return call


def _with_trace(context: CallContext, traceparent: str | None) -> CallContext:
    if traceparent is None or traceparent == context.traceparent:
        return context
    return CallContext(
        auth_token=context.auth_token,
        request_id=context.request_id,
        traceparent=traceparent,
        deadline=context.deadline,
        call_id_stack=context.call_id_stack,
    )
