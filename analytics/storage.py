"""Facts and rollups in PostgreSQL. The tables and their reasons are in tables.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as pg_insert

from analytics.domain import (
    METRICS,
    BusinessEvent,
    CampaignOwner,
    Delivery,
    Earning,
    Figures,
    Funnel,
    Milestone,
    Part,
    Period,
    Row,
    Scope,
    Verification,
    month_of,
)
from analytics.tables import (
    FUNNEL_STEPS,
    KEYS,
    TIME,
    adding_to_rollups,
    arriving,
    business_events,
    campaigns,
    deliveries,
    differences,
    participations,
    reaching,
    recomputation,
    rollups,
    rollups_of_deliveries,
    rollups_of_earnings,
    storing_new,
    storing_new_earnings,
)
from chassis.sql import Sql, array_of

T = TypeVar("T")

# Going through all facts may take longer than anything a caller waits for.
UNHURRIED = sa.text("SET LOCAL statement_timeout = '10min'")

# A report names the currencies that occur; nobody earns in more.
MAX_CURRENCIES = 20


class SqlSeries:
    """What `handlers.Series` asks for."""

    def __init__(self, sql: Sql, outbox: object = None) -> None:
        self._sql = sql

    def add_deliveries(self, new: Sequence[Delivery]) -> None:
        """One statement stores what is new and adds it to the rollups."""
        if new:
            self._make_partitions(deliveries, [item.started_at for item in new])
            self._write(adding_to_rollups(rollups_of_deliveries(storing_new(deliveries, new))))

    def add_earnings(self, new: Sequence[Earning]) -> None:
        if new:
            self._write(adding_to_rollups(rollups_of_earnings(storing_new_earnings(new))))

    def add_business_events(self, new: Sequence[BusinessEvent]) -> None:
        if new:
            self._make_partitions(business_events, [item.at for item in new])
            self._write(sa.select(sa.func.count()).select_from(storing_new(business_events, new)))

    def add_milestones(self, new: Sequence[Milestone]) -> None:
        for step in FUNNEL_STEPS:
            reached = [milestone for milestone in new if milestone.step == step]
            if reached:
                self._write(reaching(step, reached))

    def learn_owners(self, owners: Sequence[CampaignOwner]) -> None:
        if owners:
            arrived = arriving(campaigns, owners, ["campaign_id"])
            statement = pg_insert(campaigns).from_select(arrived.c.keys(), sa.select(arrived))
            self._write(statement.on_conflict_do_nothing())

    def owner_of(self, campaign_id: str) -> str | None:
        query = sa.select(campaigns.c.brand_id).where(campaigns.c.campaign_id == campaign_id)
        return self._read(query, lambda found: found.scalar_one_or_none())

    def currencies(self, scope: Scope) -> list[str]:
        query = (
            sa.select(rollups.c.currency)
            .where(belonging_to(scope), rollups.c.resolution == "day", rollups.c.currency != "")
            .group_by(rollups.c.currency)
            .order_by(sa.func.max(rollups.c.bucket).desc(), rollups.c.currency)
            .limit(MAX_CURRENCIES)
        )
        return self._read(query, lambda found: list(found.scalars()))

    def figures(self, scope: Scope, period: Period, currency: str) -> Figures:
        query = sa.select(*SUMS).where(*within(scope, period, period.resolution, currency))
        return self._read(query, lambda found: figures_in(found.mappings().one(), currency))

    def points(
        self, scope: Scope, period: Period, metric: str, bucket: str, currency: str
    ) -> Mapping[datetime, int]:
        query = (
            sa.select(rollups.c.bucket, total(metric).label("value"))
            .where(*within(scope, period, bucket, currency))
            .group_by(rollups.c.bucket)
        )
        return self._read(query, lambda found: {row.bucket.astimezone(UTC): int(row.value) for row in found})

    def parts(self, scope: Scope, period: Period, by: str, currency: str, limit: int) -> list[Part]:
        key = dimension(by)
        query = (
            sa.select(key.label("key"), *SUMS)
            .where(*within(scope, period, period.resolution, currency), key != "")
            .group_by(key)
            .order_by(total("rendered").desc(), key)
            .limit(limit)
        )
        return self._read(
            query, lambda found: [Part(row["key"], figures_in(row, currency)) for row in found.mappings()]
        )

    def rows(
        self,
        scope: Scope,
        period: Period,
        bucket: str,
        by: str | None,
        currency: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Row]:
        key = row_key(by)
        query = self._grouped(scope, period, bucket, by, currency).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after[: len(key)])))
        return self._read(query, lambda found: [row_in(row, by, currency) for row in found.mappings()])

    def count_rows(self, scope: Scope, period: Period, bucket: str, by: str | None, currency: str) -> int:
        rows = self._grouped(scope, period, bucket, by, currency).subquery()
        query = sa.select(sa.func.count()).select_from(rows)
        return self._read(query, lambda found: int(found.scalar_one()))

    def _grouped(
        self, scope: Scope, period: Period, bucket: str, by: str | None, currency: str
    ) -> sa.Select[Any]:
        key = row_key(by)
        query = sa.select(*key, *SUMS).where(*within(scope, period, bucket, currency)).group_by(*key)
        return query.where(dimension(by) != "") if by else query

    def funnel(self, scope: Scope) -> Funnel:
        counts = [sa.func.count(participations.c[f"{step}_at"]).label(step) for step in FUNNEL_STEPS]
        query = sa.select(*counts).where(belonging_to(scope, participations))
        return self._read(query, lambda found: Funnel(**found.mappings().one()))

    def verify(self) -> Verification:
        """Compares in one statement, hence in one snapshot, while facts keep arriving."""
        found = differences().subquery("found")
        every = sa.select(
            sa.select(sa.func.count()).select_from(rollups).scalar_subquery().label("rollups"),
            sa.select(sa.func.count()).select_from(found).scalar_subquery().label("differences"),
        )

        def compare() -> Verification:
            self._sql.connection.execute(UNHURRIED)
            return Verification(**self._sql.connection.execute(every).mappings().one())

        return self._sql.transaction(compare)

    def rebuild(self) -> None:
        """Computes every rollup anew. Writers wait meanwhile: the lock also waits for those under way, whose
        facts would otherwise be missed."""
        recomputed = recomputation().subquery("recomputed")

        def replace() -> None:
            connection = self._sql.connection
            connection.execute(UNHURRIED)
            connection.execute(sa.text("LOCK TABLE rollups IN SHARE ROW EXCLUSIVE MODE"))
            connection.execute(sa.delete(rollups))
            connection.execute(sa.insert(rollups).from_select(rollups.c.keys(), sa.select(recomputed)))

        self._sql.transaction(replace)

    def make_partitions(self, moments: Sequence[datetime]) -> None:
        for table in KEYS:
            self._make_partitions(table, moments)

    def _make_partitions(self, table: sa.Table, moments: Sequence[datetime]) -> None:
        wanted = array_of(TIME, sorted({month_of(at) for at in moments}))
        self._write(sa.select(sa.func.create_missing_partitions(table.name, wanted)))

    def _write(self, statement: sa.Executable) -> None:
        self._sql.transaction(lambda: self._sql.connection.execute(statement))

    def _read(self, query: sa.Executable, convert: Callable[[sa.Result[Any]], T]) -> T:
        return self._sql.transaction(lambda: convert(self._sql.connection.execute(query)))


def total(metric: str) -> Any:
    return sa.cast(sa.func.coalesce(sa.func.sum(rollups.c[metric]), 0), sa.BigInteger).label(metric)


SUMS = [total(metric) for metric in METRICS]


def figures_in(row: Mapping[Any, Any], currency: str) -> Figures:
    return Figures(currency, **{metric: row[metric] for metric in METRICS})


def dimension(name: str) -> sa.Column[Any]:
    return rollups.c[f"{name}_id"] if f"{name}_id" in rollups.c else rollups.c[name]


def row_key(by: str | None) -> list[sa.Column[Any]]:
    return [rollups.c.bucket, *([dimension(by)] if by else [])]


def row_in(row: Mapping[Any, Any], by: str | None, currency: str) -> Row:
    key = row[dimension(by).name] if by else ""
    return Row(row["bucket"].astimezone(UTC), key, figures_in(row, currency))


def belonging_to(scope: Scope, table: sa.Table = rollups) -> Any:
    if scope.kind == "brand":
        own = sa.select(campaigns.c.campaign_id).where(campaigns.c.brand_id == scope.id)
        return table.c.campaign_id.in_(own)
    return table.c[f"{scope.kind}_id"] == scope.id


def within(scope: Scope, period: Period, resolution: str, currency: str) -> list[Any]:
    return [
        belonging_to(scope),
        rollups.c.resolution == resolution,
        rollups.c.bucket >= period.since,
        rollups.c.bucket < period.until,
        rollups.c.currency.in_(("", currency)),
    ]
