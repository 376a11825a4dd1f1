"""What one gateway process holds: its connection, its verifier, its live streams, its object store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from flask import current_app

from chassis.clock import Clock
from chassis.context import CallContext
from chassis.objectstore import ObjectStore
from chassis.principal import Principal
from chassis.single_flight import SingleFlight
from gateway.answer_store import AnswerStore
from gateway.api_keys import Exchange
from gateway.live import Figures, Hub
from gateway.rates.limiter import Limiter
from gateway.retries import Retries
from gateway.sessions import RevokedSessions
from gateway.settings import GatewaySettings
from gateway.usage.counter import UsageCounter
from gateway.usage.store import Usage

EXTENSION = "gateway"


class Caller(Protocol):
    """The calling side of RPC, as chassis.rpc.client.RpcConnection has it."""

    @property
    def is_ready(self) -> bool: ...

    def close(self) -> None: ...

    def call(
        self,
        service: str,
        method: str,
        request: Any,
        *,
        timeout: float | None = None,
        context: CallContext = ...,
    ) -> Any: ...


class Connection(Caller, Protocol):
    """One that leaves a service alone which is not well."""

    @property
    def breakers(self) -> Mapping[str, str]:
        """By service: closed, half_open or open."""
        ...


class Listener(Protocol):
    @property
    def is_ready(self) -> bool: ...


class Verifier(Protocol):
    def verify(self, token: str) -> Principal: ...


@dataclass(frozen=True, kw_only=True)
class State:
    settings: GatewaySettings
    clock: Clock
    connection: Connection
    listener: Listener
    verifier: Verifier
    revoked: RevokedSessions
    keys: Exchange
    hub: Hub
    figures: Figures
    objects: ObjectStore
    answers: AnswerStore
    limiter: Limiter
    usage: Usage
    used: UsageCounter
    reads: SingleFlight[None, tuple[bytes, int | None]] = field(default_factory=SingleFlight)
    retries: Retries = field(default_factory=Retries)

    @property
    def is_ready(self) -> bool:
        """Without the listener, sessions that are ended would not be noticed."""
        return self.connection.is_ready and self.listener.is_ready


def state() -> State:
    """The state of the application that serves the current request."""
    return cast(State, current_app.extensions[EXTENSION])
