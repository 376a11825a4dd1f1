"""The tables of analytics, and the statements that more than one use case is made of.

Raw facts that grow with time (`deliveries`, `business_events`) are partitioned by month, or are
hypertables where TimescaleDB is present; the migration knows which, nothing here does. A unique key on such a
table would have to hold the time column, so duplicates are kept out by the plain tables `delivery_keys` and
`business_event_keys`.

`rollups` holds one row per bucket and combination of dimensions. An earning belongs to no creative,
placement, platform or country, and a showing to no currency: those columns are empty strings then, so that
every report is one sum over one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert

from analytics.domain import METRICS, STEPS
from chassis.sql import array_of

metadata = sa.MetaData()
TIME = sa.DateTime(timezone=True)

delivery_keys = sa.Table(
    "delivery_keys",
    metadata,
    sa.Column("participation_id", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text),
    sa.Column("participation_id", sa.Text),
    sa.Column("campaign_id", sa.Text),
    sa.Column("brand_id", sa.Text),
    sa.Column("streamer_id", sa.Text),
    sa.Column("creative_id", sa.Text),
    sa.Column("placement", sa.Text),
    sa.Column("platform", sa.Text),
    sa.Column("country", sa.Text),
    sa.Column("started_at", TIME),
    sa.Column("ended_at", TIME),
    sa.Column("visible_ms", sa.BigInteger),
    sa.Column("qualified", sa.Boolean),
    sa.Column("viewers", sa.BigInteger),
)
earnings = sa.Table(
    "earnings",
    metadata,
    sa.Column("participation_id", sa.Text, primary_key=True),
    sa.Column("accrual", sa.BigInteger, primary_key=True),
    sa.Column("campaign_id", sa.Text),
    sa.Column("brand_id", sa.Text),
    sa.Column("streamer_id", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("posted_at", TIME),
    sa.Column("gross_minor", sa.BigInteger),
    sa.Column("platform_fee_minor", sa.BigInteger),
    sa.Column("net_minor", sa.BigInteger),
)
business_event_keys = sa.Table(
    "business_event_keys",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
)
business_events = sa.Table(
    "business_events",
    metadata,
    sa.Column("id", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("at", TIME),
    sa.Column("campaign_id", sa.Text),
    sa.Column("brand_id", sa.Text),
    sa.Column("streamer_id", sa.Text),
    sa.Column("data", JSONB),
)
rollups = sa.Table(
    "rollups",
    metadata,
    sa.Column("resolution", sa.Text, primary_key=True),
    sa.Column("bucket", TIME, primary_key=True),
    sa.Column("campaign_id", sa.Text, primary_key=True),
    sa.Column("streamer_id", sa.Text, primary_key=True),
    sa.Column("creative_id", sa.Text, primary_key=True),
    sa.Column("placement", sa.Text, primary_key=True),
    sa.Column("platform", sa.Text, primary_key=True),
    sa.Column("country", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    *(sa.Column(metric, sa.BigInteger) for metric in METRICS),
)
campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("campaign_id", sa.Text, primary_key=True),
    sa.Column("brand_id", sa.Text),
)
participations = sa.Table(
    "participations",
    metadata,
    sa.Column("participation_id", sa.Text, primary_key=True),
    sa.Column("campaign_id", sa.Text),
    sa.Column("streamer_id", sa.Text),
    sa.Column("applied_at", TIME),
    sa.Column("approved_at", TIME),
    sa.Column("delivering_at", TIME),
    sa.Column("paid_at", TIME),
)


# Not stored: the shape in which steps of the funnel travel to `participations`.
milestones = sa.Table(
    "milestones",
    sa.MetaData(),
    sa.Column("participation_id", sa.Text),
    sa.Column("campaign_id", sa.Text),
    sa.Column("streamer_id", sa.Text),
    sa.Column("at", TIME),
)

KEYS = {deliveries: delivery_keys, business_events: business_event_keys}
ROLLUP_KEY = [column.name for column in rollups.primary_key]
FUNNEL_STEPS = ("applied", "approved", "delivering", "paid")


def arriving(table: sa.Table, rows: Sequence[Any], key: Sequence[str]) -> sa.CTE:
    """The rows as a relation without duplicates of `key`.

    They travel as one array per column, because COPY is not available to a green driver. They are sorted, so
    that two batches take the same locks in the same order.
    """
    arrays = [array_of(column.type, (getattr(row, column.name) for row in rows)) for column in table.c]
    columns = [sa.column(column.name, column.type) for column in table.c]
    relation = sa.func.unnest(*arrays).table_valued(*columns, name="arrived").render_derived()
    unique = [relation.c[name] for name in key]
    return sa.select(relation).distinct(*unique).order_by(*unique).cte("arriving")


def storing_new(table: sa.Table, rows: Sequence[Any]) -> sa.CTE:
    """Inserts the rows whose key was never seen, and is the relation of those."""
    keys = KEYS[table]
    names = [column.name for column in keys.c]
    arrived = arriving(table, rows, names)
    fresh = (
        pg_insert(keys)
        .from_select(names, sa.select(*(arrived.c[name] for name in names)))
        .on_conflict_do_nothing()
        .returning(*keys.c)
        .cte("fresh")
    )
    unseen = sa.select(arrived).join(fresh, sa.and_(*(arrived.c[name] == fresh.c[name] for name in names)))
    return pg_insert(table).from_select(arrived.c.keys(), unseen).returning(*table.c).cte("stored")


def storing_new_earnings(rows: Sequence[Any]) -> sa.CTE:
    """As `storing_new`, for the one table of facts that is small enough to hold its own key."""
    arrived = arriving(earnings, rows, ["participation_id", "accrual"])
    statement = pg_insert(earnings).from_select(arrived.c.keys(), sa.select(arrived))
    return statement.on_conflict_do_nothing().returning(*earnings.c).cte("stored")


def adding_to_rollups(computed: sa.Select[Any]) -> sa.Insert:
    rows = computed.subquery("computed")
    statement = pg_insert(rollups).from_select(
        rollups.c.keys(), sa.select(rows).order_by(*(rows.c[name] for name in ROLLUP_KEY))
    )
    sums = {metric: rollups.c[metric] + statement.excluded[metric] for metric in METRICS}
    return statement.on_conflict_do_update(index_elements=ROLLUP_KEY, set_=sums)


def rollups_of_deliveries(facts: sa.FromClause) -> sa.Select[Any]:
    qualified = facts.c.qualified
    measured = {
        "rendered": sa.func.count(),
        "qualified": sa.func.count().filter(qualified),
        "viewer_impressions": sa.func.coalesce(sa.func.sum(facts.c.viewers).filter(qualified), 0),
        "visible_ms": sa.func.sum(facts.c.visible_ms),
    }
    return rolled_up(facts, facts.c.started_at, measured)


def rollups_of_earnings(facts: sa.FromClause) -> sa.Select[Any]:
    measured = {name: sa.func.sum(facts.c[name]) for name in METRICS if name in facts.c}
    return rolled_up(facts, facts.c.posted_at, measured)


def rolled_up(facts: sa.FromClause, at: Any, measured: dict[str, Any]) -> sa.Select[Any]:
    """One row per resolution, bucket and combination of those dimensions that the facts have."""
    resolutions = sa.values(sa.column("resolution", sa.Text), name="resolutions").data([(r,) for r in STEPS])
    resolution = resolutions.c.resolution
    key = {"resolution": resolution, "bucket": sa.func.date_trunc(resolution, at, "UTC")}
    key |= {name: facts.c[name] for name in ROLLUP_KEY if name in facts.c}
    nothing = {name: sa.literal("", sa.Text) for name in ROLLUP_KEY}
    values: dict[str, Any] = nothing | key | {metric: sa.literal(0) for metric in METRICS} | measured
    return (
        sa.select(*(sa.cast(values[column.name], column.type).label(column.name) for column in rollups.c))
        .select_from(facts.join(resolutions, sa.true()))
        .group_by(*key.values())
    )


def recomputation() -> sa.CompoundSelect[Any]:
    """What the rollups ought to hold, from the raw facts alone."""
    return sa.union_all(rollups_of_deliveries(deliveries), rollups_of_earnings(earnings))


def differences() -> sa.CompoundSelect[Any]:
    """Rows that are stored and should not be, and the other way round."""
    wanted, stored = recomputation(), sa.select(rollups)
    missing = sa.except_(sa.select(wanted.subquery("wanted")), stored).subquery("missing")
    surplus = sa.except_(stored, sa.select(wanted.subquery("recomputed"))).subquery("surplus")
    return sa.union_all(
        sa.select(sa.literal("missing").label("difference"), missing),
        sa.select(sa.literal("surplus").label("difference"), surplus),
    )


def reaching(step: str, rows: Sequence[Any]) -> sa.Insert:
    """Participations reached a step of the funnel; of several times the earliest stands."""
    reached = participations.c[f"{step}_at"]
    earliest = {row.participation_id: row for row in sorted(rows, key=lambda row: row.at, reverse=True)}
    arrived = arriving(milestones, list(earliest.values()), ["participation_id"])
    names = ["participation_id", "campaign_id", "streamer_id", reached.name]
    statement = pg_insert(participations).from_select(names, sa.select(arrived))
    sooner = sa.func.least(reached, statement.excluded[reached.name])
    return statement.on_conflict_do_update(index_elements=["participation_id"], set_={reached.name: sooner})
