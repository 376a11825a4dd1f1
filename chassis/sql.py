"""PostgreSQL for a service: transactions that storages join, the outbox, the inbox and sagas.

SQLAlchemy Core over psycopg2, which psycogreen makes cooperative. nameko-sqlalchemy is not used: it
commits in a worker hook, after a message has been acknowledged and a reply has been sent.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import eventlet
import sqlalchemy as sa
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider, SharedExtension
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from chassis import failpoints
from chassis.errors import NotFound, ServiceUnavailable
from chassis.event import Event, ReceivedEvent
from chassis.events.outbox import Backlog, Outbox, Record, Relay, records
from chassis.extensions import Configuration, Once, Readiness
from chassis.saga import SagaProvider, Sagas
from chassis.saga_steps import SagaState

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRIES = 10
SERIALIZATION_FAILURES = ("40001", "40P01")
TIMEOUTS = ("55P03", "57014")
"""A lock or a statement took longer than it may."""

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 4_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_SECONDS = 4

metadata = sa.MetaData()

events_table = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("aggregate_id", sa.Text, nullable=False),
    sa.Column("aggregate_version", sa.Integer, nullable=False),
    sa.Column("index", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("traceparent", sa.Text),
    sa.Column("session", sa.Text),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("aggregate_id", "aggregate_version", "index"),
)
sa.Index("events_unpublished", events_table.c.time, postgresql_where=events_table.c.published_at.is_(None))

inbox_table = sa.Table(
    "inbox",
    metadata,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)

sagas_table = sa.Table(
    "sagas",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", JSONB),
    sa.Column("log", JSONB, nullable=False),
    sa.Column("next_at", sa.DateTime(timezone=True)),
    sa.Column("lease", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
sa.Index(
    "sagas_active",
    sagas_table.c.type,
    sagas_table.c.key,
    unique=True,
    postgresql_where=sagas_table.c.next_at.is_not(None),
)
sa.Index("sagas_due", sagas_table.c.type, sagas_table.c.next_at)


def create_chassis_tables(op: Any) -> None:
    """For a service's first migration: the outbox, the inbox and the sagas."""
    metadata.create_all(op.get_bind())


def complete_chassis_tables(connection: Connection) -> None:
    """For a database whose tables are older than a column of ours; an ALTER that finds it would lock, too."""
    if "session" not in {column["name"] for column in sa.inspect(connection).get_columns("events")}:
        connection.execute(sa.text("ALTER TABLE events ADD COLUMN session TEXT"))


def migrate(database_url: str, service: str) -> None:
    """Bring a service's database to its newest revision. Two at once wait for each other."""
    from alembic import command
    from alembic.config import Config

    root = Path(__file__).parent.parent
    config = Config()
    config.set_main_option("script_location", str(root / "chassis" / "migrations"))
    config.set_main_option("version_locations", str(root / service / "migrations" / "versions"))
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtext('gametriggers-migrations'))"))
        connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        complete_chassis_tables(connection)
        connection.commit()
    engine.dispose()


class Sql:
    """One service's database."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        options = (
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} "
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS} -c timezone=UTC"
        )
        self.engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=4,
            pool_pre_ping=True,
            connect_args={"options": options, "connect_timeout": CONNECT_TIMEOUT_SECONDS},
            json_serializer=lambda value: json.dumps(value, default=str),
        )
        self._connection: ContextVar[Connection | None] = ContextVar("sql_connection", default=None)
        self._after: ContextVar[list[Callable[[], None]] | None] = ContextVar("sql_after", default=None)

    @property
    def connection(self) -> Connection:
        """The connection of the current transaction."""
        connection = self._connection.get()
        if connection is None:
            raise LookupError("there is no transaction here; use Sql.transaction")
        return connection

    def transaction(self, work: Callable[[], T], isolation: str = "READ COMMITTED") -> T:
        """Run `work` in a transaction, or in the one that is already open here. It may run again.

        After a serialization failure or a deadlock the whole of it is tried again. When the answer to
        COMMIT is lost the outcome is unknown: callers look again by their idempotency key.
        """
        if self._connection.get() is not None:
            return work()
        for attempt in range(1, RETRIES + 1):
            try:
                return self._once(work, isolation)
            except PoolTimeoutError as error:
                raise ServiceUnavailable("the database is busy") from error
            except DBAPIError as error:
                code = getattr(error.orig, "pgcode", None)
                if code in SERIALIZATION_FAILURES and attempt < RETRIES:
                    eventlet.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
                    continue
                if code in TIMEOUTS:
                    raise ServiceUnavailable("the database is busy") from error
                if error.connection_invalidated or (isinstance(error, OperationalError) and code is None):
                    raise ServiceUnavailable("the database is not reachable") from error
                raise
        raise AssertionError("unreachable")

    def _once(self, work: Callable[[], T], isolation: str) -> T:
        hooks: list[Callable[[], None]] = []
        with self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level=isolation)
            connection_token, after_token = self._connection.set(connection), self._after.set(hooks)
            try:
                with connection.begin():
                    failpoints.reach("write.before")
                    result = work()
                    failpoints.reach("write.after")
                    failpoints.reach("commit.before")
            except Exception:
                raise
            except BaseException:
                # A killed greenlet may have left an answer unread on the socket.
                connection.invalidate()
                raise
            finally:
                self._connection.reset(connection_token)
                self._after.reset(after_token)
        failpoints.reach("commit.after")
        for hook in hooks:
            hook()
        return result

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Call `hook` once the current transaction has committed; at once outside of one."""
        hooks = self._after.get()
        if hooks is None:
            hook()
        else:
            hooks.append(hook)

    def ping(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def array_of(kind: Any, values: Iterable[Any]) -> sa.Cast[Any]:
    """Values as one parameter, an array in PostgreSQL's own notation.

    A list would become a constant of the statement for each of its values: to be compiled, quoted and
    parsed one by one, which costs both sides more than what is done with them.
    """
    return sa.cast(sa.literal("{" + ",".join(map(_element, values)) + "}", sa.Text), ARRAY(kind))


def _element(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return value.isoformat()
    return _quoted(json.dumps(value)) if isinstance(value, dict) else str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class SqlOutbox:
    """Events in the table `events`; `published_at` is null until an event is published."""

    def __init__(self, sql: Sql, submit: Callable[[SqlOutbox, Sequence[Record]], None]) -> None:
        self._sql = sql
        self._submit = submit

    def append(self, events: Sequence[Event], aggregate_version: int) -> None:
        self.append_all([(events, aggregate_version)])

    def append_all(self, changes: Sequence[tuple[Sequence[Event], int]]) -> None:
        fresh = [record for events, version in changes for record in records(events, version)]
        if not fresh:
            return
        self._sql.connection.execute(events_table.insert(), [_row(record) for record in fresh])
        self._sql.after_commit(lambda: self._submit(self, fresh))

    def history(
        self, aggregate_id: str, after: Sequence[Any] | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        position = sa.tuple_(events_table.c.aggregate_version, events_table.c.index)
        query = events_table.select().where(events_table.c.aggregate_id == aggregate_id)
        if after is not None:
            query = query.where(position > sa.tuple_(*(sa.literal(value) for value in after)))
        query = query.order_by(events_table.c.aggregate_version, events_table.c.index).limit(limit)
        return self._sql.transaction(
            lambda: [
                _record(row).to_history() | {"index": row.index}
                for row in self._sql.connection.execute(query)
            ]
        )

    def unpublished(self, before: datetime, limit: int) -> list[Record]:
        query = (
            events_table.select()
            .where(events_table.c.published_at.is_(None), events_table.c.time < before)
            .order_by(events_table.c.time)
            .limit(limit)
        )
        return self._sql.transaction(lambda: [_record(row) for row in self._sql.connection.execute(query)])

    def mark_published(self, ids: Sequence[str]) -> None:
        statement = (
            events_table.update()
            .where(events_table.c.id == sa.any_(array_of(sa.Text, ids)))
            .values(published_at=datetime.now(UTC))
        )
        self._sql.transaction(lambda: self._sql.connection.execute(statement))

    def backlog(self) -> list[Backlog]:
        query = (
            sa.select(events_table.c.type, sa.func.count(), sa.func.min(events_table.c.time))
            .where(events_table.c.published_at.is_(None))
            .group_by(events_table.c.type)
            .order_by(events_table.c.type)
        )
        return self._sql.transaction(lambda: [Backlog(*row) for row in self._sql.connection.execute(query)])


def _row(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "aggregate_id": record.aggregate_id,
        "aggregate_version": record.aggregate_version,
        "index": record.index,
        "type": record.type,
        "version": record.version,
        "time": record.time,
        "data": record.data,
        "actor": record.actor,
        "request_id": record.request_id,
        "traceparent": record.traceparent,
        "session": record.session,
    }


def _record(row: Row[Any]) -> Record:
    values = row._mapping
    return Record(**{name: values[name] for name in Record.__slots__})


class SqlInboxStore:
    """Which events a consumer has handled, written in the transaction of their effects."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], None]
    ) -> None:
        """Give `work` those events that this consumer has not handled, and remember them with it."""
        self._sql.transaction(lambda: self._once(consumer, events, work))

    def _once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], None]
    ) -> None:
        by_id = {event.id: event for event in events}
        # Sorted, so that two processes with overlapping batches take the row locks in one order.
        ids = sa.func.unnest(array_of(sa.Text, sorted(by_id)))
        rows = sa.select(sa.literal(consumer, sa.Text), ids)
        statement = (
            insert(inbox_table)
            .from_select(["consumer", "event_id"], rows)
            .on_conflict_do_nothing()
            .returning(inbox_table.c.event_id)
        )
        new = {row.event_id for row in self._sql.connection.execute(statement)}
        if new:
            work([event for event in by_id.values() if event.id in new])


class SqlSagaStore:
    """Sagas in the table `sagas`. `next_at` is null when one has finished."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def create(self, saga: SagaState, now: datetime) -> str:
        return self._sql.transaction(lambda: self._create(saga, now))

    def _create(self, saga: SagaState, now: datetime) -> str:
        values = _saga_values(saga) | {"id": saga.id, "next_at": now, "lease": "", "created_at": now}
        statement = insert(sagas_table).values(values).on_conflict_do_nothing().returning(sagas_table.c.id)
        created = self._sql.connection.execute(statement).scalar()
        if created is not None:
            return str(created)
        running = sa.select(sagas_table.c.id).where(
            sagas_table.c.type == saga.type,
            sagas_table.c.key == saga.key,
            sagas_table.c.next_at.is_not(None),
        )
        return str(self._sql.connection.execute(running).scalar_one())

    def lease(self, type: str, now: datetime, until: datetime, token: str) -> SagaState | None:
        due = (
            sa.select(sagas_table.c.id)
            .where(sagas_table.c.type == type, sagas_table.c.next_at <= now)
            .order_by(sagas_table.c.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        statement = (
            sagas_table.update()
            .where(sagas_table.c.id == due)
            .values(lease=token, next_at=until)
            .returning(sagas_table)
        )
        row = self._sql.transaction(lambda: self._sql.connection.execute(statement).one_or_none())
        return None if row is None else _saga(row)

    def renew(self, saga_id: str, token: str, until: datetime) -> bool:
        statement = (
            sagas_table.update()
            .where(sagas_table.c.id == saga_id, sagas_table.c.lease == token)
            .values(next_at=until)
        )
        return self._sql.transaction(lambda: self._sql.connection.execute(statement).rowcount == 1)

    def save(self, saga: SagaState, token: str, next_at: datetime | None) -> bool:
        statement = (
            sagas_table.update()
            .where(sagas_table.c.id == saga.id, sagas_table.c.lease == token)
            .values(**_saga_values(saga), next_at=next_at, lease="" if saga.attempts else token)
        )
        return self._sql.transaction(lambda: self._sql.connection.execute(statement).rowcount == 1)

    def get(self, saga_id: str) -> SagaState:
        query = sagas_table.select().where(sagas_table.c.id == saga_id)
        row = self._sql.transaction(lambda: self._sql.connection.execute(query).one_or_none())
        if row is None:
            raise NotFound(f"there is no saga {saga_id}")
        return _saga(row)

    def list(self, status: str | None = None, limit: int = 100) -> list[SagaState]:
        query = sagas_table.select().order_by(sagas_table.c.created_at.desc()).limit(limit)
        if status:
            query = query.where(sagas_table.c.status == status)
        return self._sql.transaction(lambda: [_saga(row) for row in self._sql.connection.execute(query)])

    def count(self) -> dict[str, int]:
        query = sa.select(sagas_table.c.status, sa.func.count()).group_by(sagas_table.c.status)
        return self._sql.transaction(lambda: {row[0]: row[1] for row in self._sql.connection.execute(query)})

    def make_due(self, saga_id: str, now: datetime) -> bool:
        statement = (
            sagas_table.update()
            .where(sagas_table.c.id == saga_id, sagas_table.c.lease == "", sagas_table.c.next_at.is_not(None))
            .values(next_at=sa.func.least(sagas_table.c.next_at, now))
        )
        return self._sql.transaction(lambda: self._sql.connection.execute(statement).rowcount == 1)


def _saga_values(saga: SagaState) -> dict[str, Any]:
    return {
        "type": saga.type,
        "key": saga.key,
        "data": saga.data,
        "status": saga.status,
        "step": saga.step,
        "attempts": saga.attempts,
        "error": saga.error,
        "log": saga.log,
    }


def _saga(row: Row[Any]) -> SagaState:
    return SagaState(
        id=row.id,
        type=row.type,
        key=row.key,
        data=row.data,
        status=row.status,
        step=row.step,
        attempts=row.attempts,
        error=row.error,
        log=row.log,
        created_at=row.created_at,
        next_at=row.next_at,
    )


class SqlConnection(SharedExtension):
    """The container's one Sql and its outbox."""

    configuration = Configuration()
    readiness = Readiness()
    relay = Relay()

    def __init__(self) -> None:
        self._sql = Once(self._open_sql)
        self._outbox = Once(self._open_outbox)

    def get_sql(self) -> Sql:
        return self._sql.get()

    def get_outbox(self) -> SqlOutbox:
        return self._outbox.get()

    def stop(self) -> None:
        if self._sql.is_built:
            self.get_sql().close()

    def _open_sql(self) -> Sql:
        sql = Sql(self.configuration.settings.database_url.reveal())
        self.readiness.add("postgres", sql.ping)
        return sql

    def _open_outbox(self) -> SqlOutbox:
        outbox = SqlOutbox(self.get_sql(), self.relay.submit)
        self.relay.serve(outbox)
        return outbox


class SqlStore(DependencyProvider):
    """Builds a storage class once, as `factory(sql, outbox)`, and hands it over.

    ledger = SqlStore(storage.SqlLedger)
    """

    connection = SqlConnection()

    def __init__(self, factory: Callable[[Sql, Outbox], Any]) -> None:
        self._factory = factory
        self._built: Any = None

    def setup(self) -> None:
        self._built = self._factory(self.connection.get_sql(), self.connection.get_outbox())

    def get_dependency(self, worker_ctx: WorkerContext) -> Any:
        return self._built


class SqlInbox(DependencyProvider):
    """The attribute `inbox` that event handlers need."""

    connection = SqlConnection()

    def get_dependency(self, worker_ctx: WorkerContext) -> SqlInboxStore:
        return SqlInboxStore(self.connection.get_sql())


class SqlSagas(SagaProvider):
    """The attribute `sagas` of a service that keeps its sagas in PostgreSQL."""

    connection = SqlConnection()

    def open(self) -> Sagas:
        return Sagas(SqlSagaStore(self.connection.get_sql()), self.connection.get_sql().after_commit)
