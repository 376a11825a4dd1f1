"""The serving side of RPC: chassis' own entrypoint, wire-compatible with stock Nameko 2.14.

What it does that the stock entrypoint does not: it checks the caller's validated user id, drops
what is past its deadline, survives messages without `reply_to`, replies without a new connection
per message, and never runs a request twice on its own account: a request that the broker delivers
again was in the hands of a process that died, and is answered with "outcome unknown" at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import amqp
import eventlet
from amqp.basic_message import Message
from marshmallow import ValidationError
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, SharedExtension
from pymongo.errors import ConnectionFailure

from chassis import failpoints, metrics
from chassis.amqp import declare_exchange, epoch_ms
from chassis.errors import (
    BadRequest,
    Error,
    Forbidden,
    Internal,
    NotFound,
    ServiceUnavailable,
    ValidationFailed,
)
from chassis.events.dead_letters import Undertaker
from chassis.extensions import Configuration, ConsumerLink, RpcTransport
from chassis.rpc import wire

log = logging.getLogger(__name__)


class MethodNotFound(NotFound):
    code, title = "rpc.method_not_found", "No such method"

    def to_wire(self) -> dict[str, Any]:
        """Stock Nameko rebuilds its own exception from this path."""
        return super().to_wire() | {
            "exc_type": "MethodNotFound",
            "exc_path": "nameko.exceptions.MethodNotFound",
            "exc_args": [self.detail],
        }


class CallerNotAllowed(Forbidden):
    code, title = "rpc.caller_not_allowed", "This service may not call that method"


class RpcServer(SharedExtension):
    """One queue and one consumer for all RPC methods of a service."""

    configuration = Configuration()
    consumer = ConsumerLink()
    transport = RpcTransport()
    undertaker = Undertaker()

    def __init__(self) -> None:
        self._methods: dict[str, Rpc] = {}
        self._channel: amqp.Channel | None = None
        self._accepting = True
        self._registered = False

    def setup(self) -> None:
        if not self._registered:
            self._registered = True
            self.consumer.add(self._open)

    def serve(self, entrypoint: Rpc) -> None:
        self._methods[wire.routing_key(self.container.service_name, entrypoint.method_name)] = entrypoint

    def cancel(self) -> None:
        """Take no more requests; those that the broker has handed over are finished.

        Given back, they would come to the next process marked as redelivered, and be refused there.
        """
        if self._accepting:
            self._accepting = False
            self.consumer.get().cancel(self._channel, self._consumer_tag)

    @property
    def _consumer_tag(self) -> str:
        return f"rpc-{self.container.service_name}"

    def _open(self, connection: amqp.Connection) -> None:
        service = self.container.service_name
        queue = wire.request_queue(service)
        declare_exchange(connection, wire.EXCHANGE)
        channel = connection.channel()
        # JSON is read from bytes.
        channel.auto_decode = False
        channel.queue_declare(queue, durable=True, auto_delete=False)
        channel.queue_bind(queue, wire.EXCHANGE, f"{service}.*")
        channel.basic_qos(0, self.configuration.settings.rpc_prefetch, False)
        self._channel = channel
        if self._accepting:
            channel.basic_consume(queue, consumer_tag=self._consumer_tag, callback=self._on_message)

    def _on_message(self, message: Message) -> None:
        """Runs in the reader of the link, so nothing here may wait."""
        channel, tag = self._channel, message.delivery_info["delivery_tag"]
        if not message.properties.get("reply_to"):
            self.undertaker.bury(message, "no reply_to", on_done=partial(self._ack, channel, tag))
            return
        try:
            self._dispatch(channel, message)
        except Exception as error:  # noqa: BLE001  Whatever a message does, the consumer goes on.
            self._refuse(channel, message, error)

    def _dispatch(self, channel: amqp.Channel, message: Message) -> None:
        context = wire.strip_prefix(message.headers or {})
        deadline = context.get("deadline_ms")
        if isinstance(deadline, int) and deadline < epoch_ms():
            metrics.observed(metrics.RPC_SERVER_SECONDS, self._key(message), "too_late").observe(0)
            self._ack(channel, message.delivery_info["delivery_tag"])
            return
        if message.delivery_info.get("redelivered"):
            raise ServiceUnavailable("the process that worked on this died, the outcome is unknown")
        entrypoint = self._methods.get(self._key(message))
        if entrypoint is None:
            raise MethodNotFound(self._key(message).rpartition(".")[2])
        caller = message.properties.get("user_id")
        entrypoint.check_caller(caller, self.configuration.settings.rpc_caller_check)
        request = _request(message)
        context["validated_user_id"] = caller
        entrypoint.spawn(request, context, partial(self._finish, channel, message, time.monotonic()))

    def _finish(
        self,
        channel: amqp.Channel,
        message: Message,
        started: float,
        _worker: Any,
        result: Any,
        exc_info: Any,
    ) -> tuple[Any, Any]:
        """Runs in the worker, after the method and whatever it committed."""
        outcome = "ok"
        error = None
        if exc_info is not None:
            failure = _as_error(exc_info[1], self._key(message))
            outcome, error, result = failure.code, failure.to_wire(), None
        failpoints.reach("reply.before")
        self._reply(message, result, error)
        failpoints.reach("reply.after")
        self._ack(channel, message.delivery_info["delivery_tag"])
        metrics.observed(metrics.RPC_SERVER_SECONDS, self._key(message), outcome).observe(
            time.monotonic() - started
        )
        return result, None

    def _refuse(self, channel: amqp.Channel, message: Message, error: Exception) -> None:
        failure = _as_error(error, self._key(message))
        # The reply may have to wait for its connection, and this is the reader: it must not.
        eventlet.spawn_n(self._reply_and_ack, channel, message, failure.to_wire())

    def _reply_and_ack(self, channel: amqp.Channel, message: Message, error: dict[str, Any]) -> None:
        self._reply(message, None, error)
        self._ack(channel, message.delivery_info["delivery_tag"])

    def _reply(self, message: Message, result: Any, error: Any) -> None:
        try:
            body = wire.dump({"result": result, "error": error})
        except TypeError:
            log.exception("the result of %s is not JSON", self._key(message))
            body = wire.dump({"result": None, "error": Internal("the result is not JSON").to_wire()})
        properties = message.properties
        try:
            self.transport.get().reply(
                properties["reply_to"], properties.get("correlation_id"), body, wire.CONTENT_TYPE
            )
        except ServiceUnavailable:
            # Nobody can be told. The caller's deadline tells it, and its idempotency key covers a retry.
            log.warning("the reply of %s could not be sent", self._key(message))

    def _ack(self, channel: amqp.Channel, tag: int) -> None:
        # The caller has its answer; a request that is delivered again is refused, and nobody waits for that.
        self.consumer.get().ack(channel, tag, may_wait=True)

    @staticmethod
    def _key(message: Message) -> str:
        return str(message.delivery_info.get("routing_key", ""))


class Rpc(Entrypoint):
    """Serves one method. `callers` are the AMQP users that may call it; None opens it to all.

    The method takes one JSON object and returns JSON.
    """

    server = RpcServer()

    def __init__(self, callers: Iterable[str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.callers = frozenset(callers) if callers is not None else None

    def setup(self) -> None:
        self.server.serve(self)

    def stop(self) -> None:
        self.server.cancel()

    def check_caller(self, caller: str | None, enforced: bool) -> None:
        if self.callers is None or not enforced or caller in self.callers:
            return
        raise CallerNotAllowed(f"{caller or 'an unnamed caller'} may not call {self.method_name}")

    def spawn(self, request: dict[str, Any], context: dict[str, Any], on_result: Any) -> None:
        try:
            self.container.spawn_worker(self, (request,), {}, context_data=context, handle_result=on_result)
        except ContainerBeingKilled:
            raise ServiceUnavailable("the service is stopping") from None


rpc = Rpc.decorator


def _request(message: Message) -> dict[str, Any]:
    """The request object: the one argument, or the keyword arguments of somebody at a shell."""
    if message.properties.get("content_type") != wire.CONTENT_TYPE:
        raise BadRequest("only application/json is accepted")
    try:
        envelope = wire.load(message.body)
        args, kwargs = list(envelope["args"]), dict(envelope["kwargs"])
    except (ValueError, KeyError, TypeError):
        raise BadRequest('the message is not {"args": […], "kwargs": {…}}') from None
    request = args[0] if args else kwargs
    if len(args) > 1 or (args and kwargs) or not isinstance(request, dict):
        raise BadRequest("a method takes one JSON object")
    return request


def _as_error(error: BaseException, method: str) -> Error:
    if isinstance(error, ValidationError):
        return ValidationFailed("see errors", error.normalized_messages())  # type: ignore[no-untyped-call]
    if isinstance(error, Error) and error.status < 500:
        return error
    if isinstance(error, ServiceUnavailable) or (isinstance(error, Error) and error.status == 503):
        log.warning("%s failed: %s", method, error)
        return error
    if isinstance(error, ConnectionFailure):
        # Reads outside a transaction meet a database that is away too, and it is not our fault that it is.
        log.warning("%s failed: %s", method, error)
        return ServiceUnavailable("the database is not reachable")
    log.error("%s failed", method, exc_info=(type(error), error, error.__traceback__))
    return Internal()
