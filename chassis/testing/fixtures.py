"""Fixtures for the suites: `from chassis.testing.fixtures import *` in a service's conftest.

Everything is real: the broker (a virtual host per session), MongoDB and PostgreSQL (a database per
test), Redis (a key prefix is up to the service). Two sessions at once do not meet.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chassis.context import CallContext
from chassis.event import Event
from chassis.rpc.client import RpcConnection, ServiceProxy
from chassis.testing.broker import TestBroker
from chassis.testing.services import Capture, Publisher, StubService, Tokens

__all__ = [
    "_drop_templates",
    "broker",
    "capture_events",
    "database_prefix",
    "mongo",
    "outbox",
    "publish_event",
    "redis_url",
    "rpc",
    "run_service",
    "settings_env",
    "sql_for",
    "stub_service",
    "tokens",
]

SECRETS_KEY = "a-key-for-tests-alone-0123456789abcdef"


@pytest.fixture
def broker() -> Iterator[TestBroker]:
    """A virtual host of this test's own."""
    own = TestBroker()
    yield own
    own.close()


@pytest.fixture
def database_prefix() -> str:
    """What the databases of this test begin with."""
    return f"t{uuid.uuid4().hex[:10]}_"


@pytest.fixture
def redis_url() -> str:
    return os.environ["REDIS_URL"]


@pytest.fixture
def settings_env(broker: TestBroker, database_prefix: str, tmp_path: Any) -> dict[str, str]:
    """The environment in which services of this test run; `AMQP_URI` is set per service."""
    return {
        "MONGO_URI": os.environ["MONGO_URI"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "OBJECT_STORE_URL": f"file://{tmp_path}/objects",
        "DATABASE_PREFIX": database_prefix,
        "SECRETS_KEY": SECRETS_KEY,
        "MEDIA_SIGNING_KEY": SECRETS_KEY,
        "EVENT_RETRY_DELAYS": "0.1,0.2,0.2",
        "OUTBOX_SWEEP_SECONDS": "0.2",
        "OUTBOX_SWEEP_AGE_SECONDS": "0.3",
        "SAGA_POLL_SECONDS": "0.1",
    }


@pytest.fixture
def run_service(
    broker: TestBroker, settings_env: dict[str, str], database_prefix: str, sql_for: Any
) -> Iterator[Callable[..., Any]]:
    """run_service(ServiceClass, **settings): a real container on the real broker; stopped at the end.

    A service with migrations is given a fresh database. Running the same class twice gives two
    instances of one service.
    """
    from chassis.container import Container

    containers: list[Container] = []

    def run(service_class: Any, **overrides: Any) -> Container:
        name = service_class.name
        environ = settings_env | {"AMQP_URI": broker.uri(name)}
        if _has_migrations(name):
            environ["DATABASE_URL"] = sql_for.url(name)
        settings = service_class.settings_class.from_environ(environ, **overrides)
        config = {"AMQP_URI": broker.uri(name), "max_workers": 1000, "settings": settings}
        container = Container(service_class, config)
        containers.append(container)
        container.start()
        return container

    yield run
    for container in containers:
        container.stop()
    _drop_mongo(database_prefix)


@pytest.fixture
def rpc(broker: TestBroker) -> Iterator[Callable[..., ServiceProxy]]:
    """rpc(service, token=None, user="gateway"): a proxy, e.g. rpc("campaign", token=t).get({...})."""
    connections: dict[str, RpcConnection] = {}

    def proxy(service: str, token: str | None = None, user: str = "gateway") -> ServiceProxy:
        if user not in connections:
            connections[user] = RpcConnection(broker.uri(user), user)
        context = CallContext(auth_token=token, request_id=f"test-{uuid.uuid4().hex[:8]}")
        return ServiceProxy(connections[user], service, lambda: context)

    yield proxy
    for connection in connections.values():
        connection.close()


@pytest.fixture
def stub_service(broker: TestBroker) -> Iterator[Callable[..., StubService]]:
    """stub_service("payment", reserve=lambda request: {...}) answers in that service's name."""
    stubs: list[StubService] = []

    def stub(service: str, **methods: Any) -> StubService:
        stubs.append(StubService(broker.uri(service), service, methods))
        return stubs[-1]

    yield stub
    for running in stubs:
        running.close()


@pytest.fixture
def tokens(stub_service: Callable[..., StubService]) -> Tokens:
    """tokens.issue(kind, account_id, scopes=…); a stub identity publishes the keys."""
    issued = Tokens()
    stub_service("identity", jwks=issued.jwks)
    return issued


@pytest.fixture
def capture_events(broker: TestBroker) -> Iterator[Callable[..., Capture]]:
    """capture_events("campaign", "campaign_activated"): what that service publishes from now on."""
    captures: list[Capture] = []

    def capture(service: str, *types: str) -> Capture:
        captures.append(Capture(broker.uri("operator"), "operator", service, types))
        return captures[-1]

    yield capture
    for running in captures:
        running.close()


@pytest.fixture
def publish_event(broker: TestBroker) -> Iterator[Publisher]:
    """publish_event(service, type, data, id=None): publishes in that service's name."""
    publisher = Publisher(broker.uri)
    yield publisher
    publisher.close()


class RecordingOutbox:
    """An outbox that only remembers, for storage tests."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._places: dict[int, tuple[int, int]] = {}

    def append(self, events: Any, aggregate_version: int) -> None:
        for index, event in enumerate(events):
            self.events.append(event)
            self._places[id(event)] = (aggregate_version, index)

    def append_all(self, changes: Any) -> None:
        for events, aggregate_version in changes:
            self.append(events, aggregate_version)

    def history(self, aggregate_id: str, after: Any = None, limit: int = 20) -> list[dict[str, Any]]:
        mine = [
            {"type": event.type, "data": event.to_data(), "aggregate_version": version, "index": index}
            for event in self.events
            for version, index in [self._places[id(event)]]
            if event.aggregate_id == aggregate_id and (after is None or (version, index) > tuple(after))
        ]
        return mine[:limit]


@pytest.fixture
def outbox() -> RecordingOutbox:
    return RecordingOutbox()


@pytest.fixture
def mongo(database_prefix: str) -> Iterator[Any]:
    """A Mongo on a database of this test's own."""
    from chassis.mongo import Mongo

    own = Mongo(os.environ["MONGO_URI"], f"{database_prefix}test")
    yield own
    own.drop()
    own.close()


class SqlDatabases:
    """Fresh, migrated PostgreSQL databases, by service."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self._opened: list[Any] = []

    def __call__(self, service: str) -> Any:
        """An Sql on this service's database of this test."""
        from chassis.sql import Sql

        self._opened.append(Sql(self.url(service)))
        return self._opened[-1]

    def url(self, service: str) -> str:
        from sqlalchemy import make_url

        admin = make_url(os.environ["POSTGRES_ADMIN_URL"])
        if service not in self._names:
            self._names[service] = name = f"{self._prefix}{service}"
            _admin_sql(f'CREATE DATABASE "{name}" TEMPLATE "{_template(service)}"')
        return admin.set(database=self._names[service]).render_as_string(hide_password=False)

    def close(self) -> None:
        for sql in self._opened:
            sql.close()
        for name in self._names.values():
            _admin_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


_templates: dict[str, str] = {}


@pytest.fixture(scope="session", autouse=True)
def _drop_templates() -> Iterator[None]:
    yield
    for name in _templates.values():
        _admin_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    _templates.clear()


def _template(service: str) -> str:
    """Migrating once per session and copying is ten times faster than migrating for every test."""
    from sqlalchemy import make_url

    from chassis.sql import migrate

    if service not in _templates:
        name = f"template_{uuid.uuid4().hex[:10]}_{service}"
        _admin_sql(f'CREATE DATABASE "{name}"')
        url = make_url(os.environ["POSTGRES_ADMIN_URL"]).set(database=name)
        migrate(url.render_as_string(hide_password=False), service)
        _templates[service] = name
    return _templates[service]


@pytest.fixture
def sql_for(database_prefix: str) -> Iterator[SqlDatabases]:
    """sql_for("payment"): an Sql on a fresh, migrated database; sql_for.url("payment"): its URL."""
    databases = SqlDatabases(database_prefix)
    yield databases
    databases.close()


def _admin_sql(statement: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(os.environ["POSTGRES_ADMIN_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def _has_migrations(service: str) -> bool:
    from pathlib import Path

    return (Path(__file__).parents[2] / service / "migrations").is_dir()


def _drop_mongo(prefix: str) -> None:
    import pymongo

    client: pymongo.MongoClient[Any]
    with pymongo.MongoClient(os.environ["MONGO_URI"]) as client:
        for name in client.list_database_names():
            if name.startswith(prefix):
                client.drop_database(name)
