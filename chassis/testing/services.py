"""Stand-ins for the neighbours of the service under test, on the real broker."""

from __future__ import annotations

import base64
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread
from typing import Any

import amqp
import jwt
from amqp.basic_message import Message
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.amqp import Link, declare_exchange
from chassis.errors import Error, Internal
from chassis.event import ReceivedEvent
from chassis.events.cloudevents import envelope, parse
from chassis.events.outbox import routed_by_actor
from chassis.events.publisher import ConfirmedPublisher, Outgoing
from chassis.events.topology import events_exchange
from chassis.rpc import wire
from chassis.rpc.client import RpcConnection
from chassis.testing import eventually
from chassis.tokens import audience_of

Answer = Callable[[dict[str, Any]], Any]


class StubService:
    """Answers RPCs of a service's name with plain functions. `calls` holds the requests by method.

    It needs neither nameko nor eventlet. An answer may raise one of chassis' errors.
    """

    def __init__(self, uri: str, service: str, methods: dict[str, Answer]) -> None:
        self._service = service
        self._methods = methods
        self._lock = Lock()
        self.calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.contexts: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._connection = RpcConnection(uri, service)
        self._link = Link(uri, f"{service}-stub", self._open)
        self._link.start()
        self._link.wait_ready(10)

    def answer(self, **methods: Answer) -> None:
        """Replace some answers."""
        self._methods.update(methods)

    def close(self) -> None:
        self._link.stop()
        self._connection.close()

    def _open(self, connection: amqp.Connection) -> None:
        queue = wire.request_queue(self._service)
        declare_exchange(connection, wire.EXCHANGE)
        channel = connection.channel()
        channel.queue_declare(queue, durable=True, auto_delete=False)
        channel.queue_bind(queue, wire.EXCHANGE, f"{self._service}.*")
        channel.basic_consume(queue, no_ack=True, callback=self._on_message)

    def _on_message(self, message: Message) -> None:
        Thread(target=self._serve, args=(message,), daemon=True).start()

    def _serve(self, message: Message) -> None:
        method = message.delivery_info["routing_key"].rpartition(".")[2]
        envelope = wire.load(message.body)
        request = envelope["args"][0] if envelope["args"] else envelope["kwargs"]
        with self._lock:
            self.calls[method].append(request)
            self.contexts[method].append(wire.strip_prefix(message.headers or {}))
        result, error = None, None
        try:
            result = self._methods[method](request)
        except Error as raised:
            error = raised.to_wire()
        except KeyError:
            error = Internal(f"the stub of {self._service} has no answer for {method}").to_wire()
        body = wire.dump({"result": result, "error": error})
        properties = message.properties
        self._connection.reply(
            properties["reply_to"], properties.get("correlation_id"), body, wire.CONTENT_TYPE
        )


class Capture:
    """Collects what a service publishes."""

    def __init__(self, uri: str, user: str, service: str, types: tuple[str, ...]) -> None:
        self._events: list[ReceivedEvent] = []
        self.headers: list[dict[str, Any]] = []
        self._service, self._types, self._user = service, types or ("#",), user
        self._link = Link(uri, f"{user}-capture", self._open)
        self._link.start()
        self._link.wait_ready(10)

    def all(self, type: str | None = None) -> list[ReceivedEvent]:
        """What has come so far, in the order of its coming."""
        return [event for event in list(self._events) if type in (None, event.type)]

    def wait_for(
        self, type: str, deadline: float = 5.0, where: Callable[[dict[str, Any]], bool] = lambda data: True
    ) -> ReceivedEvent:
        """The first event of this type whose data fits."""
        return eventually(lambda: next((e for e in self.all(type) if where(e.data)), None), deadline)  # type: ignore[return-value]

    def close(self) -> None:
        self._link.stop()

    def _open(self, connection: amqp.Connection) -> None:
        channel = connection.channel()
        queue = f"{self._user}.capture-{uuid.uuid4()}"
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        for event_type in self._types:
            channel.queue_bind(queue, events_exchange(self._service), event_type)
        channel.basic_consume(queue, no_ack=True, callback=self._on_message)

    def _on_message(self, message: Message) -> None:
        self.headers.append(dict(message.headers or {}))
        self._events.append(parse(message))


class Publisher:
    """Publishes events in the name of any service."""

    def __init__(self, uri_of: Callable[[str], str]) -> None:
        self._uri_of = uri_of
        self._publishers: dict[str, ConfirmedPublisher] = {}

    def __call__(
        self,
        service: str,
        type: str,
        data: dict[str, Any],
        *,
        id: str | None = None,
        subject: str = "x",
        actor: str | None = None,
        session: str | None = None,
    ) -> str:
        """Publish one event and wait until the broker has it; its id. The same id again is a duplicate."""
        if service not in self._publishers:
            self._publishers[service] = ConfirmedPublisher(self._uri_of(service), service)
        event_id = id or f"evt_{uuid.uuid4().hex}"
        body = envelope(
            id=event_id,
            service=service,
            type=type,
            version=1,
            subject=subject,
            time=datetime.now(UTC),
            data=data,
            actor=actor,
            session=session,
        )
        message = Outgoing(event_id, events_exchange(service), type, body, routed_by_actor(actor))
        self._publishers[service].publish_one(message)
        return event_id

    def close(self) -> None:
        for publisher in self._publishers.values():
            publisher.close()


class Tokens:
    """Issues access tokens, and publishes the keys as identity does."""

    def __init__(self, issuer: str = "gametriggers", audience: str = "gametriggers-api") -> None:
        self._key = Ed25519PrivateKey.generate()
        self._issuer, self._audience = issuer, audience

    def withdraw_key(self) -> None:
        """From now on another key is published, and signs."""
        self._key = Ed25519PrivateKey.generate()

    def jwks(self, _request: dict[str, Any] | None = None) -> dict[str, Any]:
        public = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": "test", "alg": "EdDSA", "use": "sig"}]}

    def issue(
        self,
        kind: str,
        account_id: str,
        scopes: tuple[str, ...] | list[str] = (),
        session_id: str | None = None,
        lifetime: timedelta = timedelta(minutes=15),
        **claims: Any,
    ) -> str:
        """A token of somebody who has just signed in with two factors; `claims` add to it or replace."""
        now = int(time.time())
        body = {
            "iss": self._issuer,
            "aud": audience_of(self._audience, {"kind": kind} | claims),
            "sub": account_id,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": uuid.uuid4().hex,
            "scope": " ".join(scopes),
            "kind": kind,
            "sid": session_id or f"ses_{uuid.uuid4().hex}",
            "auth_time": now,
            "acr": "mfa",
        } | claims
        return jwt.encode(body, self._key, algorithm="EdDSA", headers={"kid": "test", "typ": "at+jwt"})

    def sign(self, header: bytes, claims: bytes) -> str:
        """A token of exactly these two JSON texts, however wrong they are."""
        signed = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (header, claims))
        signature = base64.urlsafe_b64encode(self._key.sign(signed.encode())).decode().rstrip("=")
        return f"{signed}.{signature}"
