"""The row that both consumers write, and the database it is in."""

import warnings

import sqlalchemy as sa

# chassis.sql imports eventlet, which says on standard error that it is no longer developed.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

from chassis.sql import metadata as chassis_tables  # noqa: E402

metadata = sa.MetaData()
handled = sa.Table(
    "handled",
    metadata,
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
)

DATABASE = "bench"


def create(admin_url: str) -> sa.Engine:
    """An empty database with these tables and chassis' own."""
    admin = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {DATABASE}"))
    admin.dispose()
    engine = sa.create_engine(url(admin_url))
    chassis_tables.create_all(engine)
    metadata.create_all(engine)
    return engine


def url(admin_url: str) -> str:
    return sa.make_url(admin_url).set(database=DATABASE).render_as_string(hide_password=False)
