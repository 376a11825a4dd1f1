"""What the entrypoints and providers of one container share: settings, links, readiness.

Nameko looks at every attribute of an extension while it binds it, so what opens a connection is a
method here, never a property.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import amqp
import eventlet
from eventlet.semaphore import Semaphore
from nameko.extensions import SharedExtension

from chassis.amqp import Link
from chassis.config import Settings
from chassis.events.publisher import ConfirmedPublisher
from chassis.rpc.client import RpcConnection

log = logging.getLogger(__name__)

T = TypeVar("T")

START_TIMEOUT = 30.0
"""How long a starting service waits for the broker before it gives up and lets its supervisor try again."""


class Once(Generic[T]):
    """Builds a value when it is first asked for, and only once: building may switch greenlets."""

    def __init__(self, build: Callable[[], T]) -> None:
        self._build = build
        self._lock = Semaphore()
        self._built: list[T] = []

    @property
    def is_built(self) -> bool:
        return bool(self._built)

    def get(self) -> T:
        with self._lock:
            if not self._built:
                self._built.append(self._build())
        return self._built[0]


class Configuration(SharedExtension):
    """The settings of the service, parsed once per container.

    Tests put finished settings into the container's config under "settings".
    """

    _settings: Settings | None = None

    @property
    def settings(self) -> Any:
        if self._settings is None:
            self._settings = self.container.config.get("settings") or self._parse()
        return self._settings

    def _parse(self) -> Settings:
        settings_class = getattr(self.container.service_cls, "settings_class", Settings)
        return settings_class.from_environ()


class Readiness(SharedExtension):
    """The checks behind /health/ready, by name. A check returns normally or raises."""

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[], None]] = {}

    def add(self, name: str, check: Callable[[], None]) -> None:
        self._checks[name] = check

    def failures(self) -> dict[str, str]:
        """What is not ready, by name, with the kind of the failure; empty when all is well."""
        failed = {}
        for name, check in list(self._checks.items()):
            try:
                with eventlet.Timeout(2.0):
                    check()
            except (Exception, eventlet.Timeout) as error:  # noqa: BLE001  Any failure means not ready.
                failed[name] = type(error).__name__
        return failed


class ConsumerLink(SharedExtension):
    """The connection on which this process consumes and acknowledges, and never publishes.

    A broker that is short of memory stops reading from connections that publish; acknowledgements
    have to get through all the same.
    """

    configuration = Configuration()
    readiness = Readiness()

    def __init__(self) -> None:
        self._openers: list[Callable[[amqp.Connection], None]] = []
        self.link: Link | None = None

    def add(self, opener: Callable[[amqp.Connection], None], *, first: bool = False) -> None:
        """Register, during setup, what is to be declared and consumed on every new connection.

        `first` is for what the others' declarations refer to.
        """
        self._openers.insert(0 if first else len(self._openers), opener)

    def setup(self) -> None:
        uri = self.configuration.settings.amqp_uri.reveal()
        self.link = Link(uri, f"{self.container.service_name}-consumer", self._open)
        self.readiness.add("consumer", lambda: self.get().wait_ready(0))

    def get(self) -> Link:
        assert self.link is not None
        return self.link

    def start(self) -> None:
        self.get().start()
        self.get().wait_ready(START_TIMEOUT)

    def stop(self) -> None:
        self.get().stop()

    kill = stop

    def _open(self, connection: amqp.Connection) -> None:
        for opener in self._openers:
            opener(connection)


class RpcTransport(SharedExtension):
    """This process's one connection for RPC requests out, replies in, and replies out."""

    configuration = Configuration()
    readiness = Readiness()

    def __init__(self) -> None:
        self._connection = Once(self._connect)

    def get(self) -> RpcConnection:
        return self._connection.get()

    def _connect(self) -> RpcConnection:
        settings = self.configuration.settings
        return RpcConnection(
            settings.amqp_uri.reveal(),
            self.container.service_name,
            default_timeout=settings.rpc_deadline,
        )

    def setup(self) -> None:
        connection = self.get()
        self.readiness.add("rpc", lambda: _must(connection.is_ready))

    def stop(self) -> None:
        if self._connection.is_built:
            self.get().close()

    kill = stop


class EventPublisher(SharedExtension):
    """This process's one connection for confirmed messages: events, retries, dead letters."""

    configuration = Configuration()
    readiness = Readiness()

    def __init__(self) -> None:
        self.publisher: ConfirmedPublisher | None = None

    def setup(self) -> None:
        self.publisher = ConfirmedPublisher(
            self.configuration.settings.amqp_uri.reveal(),
            self.container.service_name,
        )
        publisher = self.publisher
        self.readiness.add("publisher", lambda: _must(publisher.is_ready))

    def get(self) -> ConfirmedPublisher:
        assert self.publisher is not None
        return self.publisher

    def stop(self) -> None:
        self.get().close()

    kill = stop


def _must(condition: bool) -> None:
    if not condition:
        raise ConnectionError
