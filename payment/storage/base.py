"""What the stores share: the transaction they work in, and how rows are saved and paged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Row

from chassis.errors import ValidationFailed
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.pagination import Page, decode_cursor, page_of
from chassis.sql import Sql, array_of
from chassis.times import parse_rfc3339, rfc3339
from payment.domain.errors import ConcurrentUpdate

T = TypeVar("T")


class SqlPart:
    """A store; every method is called inside `Sql.transaction`."""

    def __init__(self, sql: Sql, outbox: Outbox) -> None:
        self._sql = sql
        self._outbox = outbox

    @property
    def connection(self) -> Connection:
        return self._sql.connection

    def rows(self, statement: sa.Executable) -> Sequence[Row[Any]]:
        return self.connection.execute(statement).all()

    def locked(
        self, table: sa.Table, key: sa.Column[str], opened: Mapping[str, dict[str, Any]]
    ) -> Sequence[Row[Any]]:
        """The rows with these keys, locked in the order of the keys; a missing one is opened as given."""
        query = table.select().where(key.in_(sorted(opened))).order_by(key.collate("C")).with_for_update()
        found = self.rows(query)
        if len(found) == len(opened):
            return found
        missing = opened.keys() - {row._mapping[key.name] for row in found}
        fresh = insert(table).on_conflict_do_nothing()
        self.connection.execute(fresh, [opened[name] for name in sorted(missing)])
        return self.rows(query)

    def swap(self, table: sa.Table, aggregate: Any, values: dict[str, Any], events: Sequence[Event]) -> None:
        """Save with compare-and-swap on the version, and the events of this version with it."""
        (key,) = table.primary_key
        statement = (
            table.update()
            .where(key == values[key.name], table.c.version == aggregate.version)
            .values({**values, "version": aggregate.version + 1})
        )
        if self.connection.execute(statement).rowcount != 1:
            raise ConcurrentUpdate()
        aggregate.version += 1
        self._outbox.append(events, aggregate.version)


def relation(columns: Sequence[sa.Column[Any]], rows: Sequence[Sequence[Any]]) -> sa.TableValuedAlias:
    """Rows as something to join with: they travel as one array for each column."""
    arrays = [array_of(column.type, (row[i] for row in rows)) for i, column in enumerate(columns)]
    named = [sa.column(column.name, column.type) for column in columns]
    return sa.func.unnest(*arrays).table_valued(*named, name="given").render_derived()


def newest_first(
    statement: sa.Select[Any], at: sa.ColumnElement[datetime], id: sa.ColumnElement[str], cursor: str | None
) -> sa.Select[Any]:
    if cursor is not None:
        last_at, last_id = position(cursor)
        last = sa.tuple_(sa.literal(last_at, sa.DateTime(timezone=True)), sa.literal(last_id))
        statement = statement.where(sa.tuple_(at, id) < last)
    return statement.order_by(at.desc(), id.desc())


def position(cursor: str) -> tuple[datetime, str]:
    try:
        last_at, last_id = decode_cursor(cursor)
        return parse_rfc3339(last_at), str(last_id)
    except (ValueError, TypeError) as error:
        raise ValidationFailed(
            "The cursor is not one that we gave out", {"cursor": ["Not a valid cursor."]}
        ) from error


def page(found: Sequence[T], limit: int, at: Callable[[T], datetime], id: Callable[[T], str]) -> Page[T]:
    return page_of(found, limit, lambda item: [rfc3339(at(item)), id(item)])
