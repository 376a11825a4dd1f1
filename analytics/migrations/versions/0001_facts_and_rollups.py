"""Raw facts, their keys, rollups and the read models beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.sql import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

# The table, and the column by which it grows.
SERIES = {"deliveries": "started_at", "business_events": "at"}

# The months are made under a lock, since "if not exists" does not help two who ask at the same moment.
MAKE_MONTHLY_PARTITIONS = """
CREATE FUNCTION create_missing_partitions(parent text, months timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz;
    following timestamptz;
    child text;
BEGIN
    FOREACH month IN ARRAY months LOOP
        child := parent || to_char(month AT TIME ZONE 'UTC', '"_"YYYY"_"MM');
        following := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext(parent));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            child, parent, month, following
        );
    END LOOP;
END
$$
"""

# A hypertable makes its own chunks; the function is there so that callers need not know.
LEAVE_PARTITIONS_TO_TIMESCALE = """
CREATE FUNCTION create_missing_partitions(parent text, months timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN END $$
"""


def upgrade() -> None:
    create_chassis_tables(op)
    timescale = timescale_is_available()
    create_facts(partitioned=not timescale)
    create_rollups()
    create_read_models()
    if timescale:
        make_hypertables()
    op.execute(LEAVE_PARTITIONS_TO_TIMESCALE if timescale else MAKE_MONTHLY_PARTITIONS)


def timescale_is_available() -> bool:
    found = sa.text("SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'")
    return op.get_bind().execute(found).scalar_one() > 0


def make_hypertables() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    for table, column in SERIES.items():
        create = sa.text("SELECT create_hypertable(:name, :by, chunk_time_interval => interval '7 days')")
        op.execute(create.bindparams(name=table, by=column))


def create_series(name: str, *columns: sa.Column, partitioned: bool) -> None:
    by = {"postgresql_partition_by": f'RANGE ("{SERIES[name]}")'} if partitioned else {}
    op.create_table(name, *columns, **by)
    for dimension in ("campaign_id", "streamer_id"):
        op.create_index(f"{name}_{dimension}", name, [dimension, SERIES[name]])


def create_facts(partitioned: bool) -> None:
    op.create_table(
        "delivery_keys",
        sa.Column("participation_id", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
    )
    create_series(
        "deliveries",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("participation_id", sa.Text, nullable=False),
        sa.Column("campaign_id", sa.Text, nullable=False),
        sa.Column("brand_id", sa.Text, nullable=False),
        sa.Column("streamer_id", sa.Text, nullable=False),
        sa.Column("creative_id", sa.Text, nullable=False),
        sa.Column("placement", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("visible_ms", sa.BigInteger, nullable=False),
        sa.Column("qualified", sa.Boolean, nullable=False),
        sa.Column("viewers", sa.BigInteger, nullable=False),
        partitioned=partitioned,
    )
    op.create_table(
        "earnings",
        sa.Column("participation_id", sa.Text, primary_key=True),
        sa.Column("accrual", sa.BigInteger, primary_key=True),
        sa.Column("campaign_id", sa.Text, nullable=False),
        sa.Column("brand_id", sa.Text, nullable=False),
        sa.Column("streamer_id", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("posted_at", TIME, nullable=False),
        sa.Column("gross_minor", sa.BigInteger, nullable=False),
        sa.Column("platform_fee_minor", sa.BigInteger, nullable=False),
        sa.Column("net_minor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "business_event_keys",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
    )
    create_series(
        "business_events",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("campaign_id", sa.Text),
        sa.Column("brand_id", sa.Text),
        sa.Column("streamer_id", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        partitioned=partitioned,
    )


def create_rollups() -> None:
    key = ("campaign_id", "streamer_id", "creative_id", "placement", "platform", "country", "currency")
    measures = (
        "rendered",
        "qualified",
        "viewer_impressions",
        "visible_ms",
        "gross_minor",
        "platform_fee_minor",
        "net_minor",
    )
    op.create_table(
        "rollups",
        sa.Column("resolution", sa.Text, primary_key=True),
        sa.Column("bucket", TIME, primary_key=True),
        *(sa.Column(name, sa.Text, primary_key=True) for name in key),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in measures),
    )
    for dimension in ("campaign_id", "streamer_id"):
        op.create_index(f"rollups_{dimension}", "rollups", [dimension, "resolution", "bucket"])


def create_read_models() -> None:
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.Text, primary_key=True),
        sa.Column("brand_id", sa.Text, nullable=False),
    )
    op.create_table(
        "participations",
        sa.Column("participation_id", sa.Text, primary_key=True),
        sa.Column("campaign_id", sa.Text, nullable=False),
        sa.Column("streamer_id", sa.Text, nullable=False),
        sa.Column("applied_at", TIME),
        sa.Column("approved_at", TIME),
        sa.Column("delivering_at", TIME),
        sa.Column("paid_at", TIME),
    )
    for dimension in ("campaign_id", "streamer_id"):
        op.create_index(f"participations_{dimension}", "participations", [dimension])


def downgrade() -> None:
    raise RuntimeError("the first migration is undone by dropping the database")
