"""The tables of the naive peer: a ledger with postings, and deliveries with their figures."""

import sqlalchemy as sa

metadata = sa.MetaData()
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("balance", sa.BigInteger, nullable=False),
)
postings = sa.Table(
    "postings",
    metadata,
    sa.Column("delivery_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("participation_id", sa.Text, nullable=False),
    sa.Column("streamer_id", sa.Text, nullable=False),
    sa.Column("campaign_id", sa.Text, nullable=False),
    sa.Column("creative_id", sa.Text, nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("visible_ms", sa.BigInteger, nullable=False),
    sa.Column("viewers", sa.BigInteger, nullable=False),
)
figures = sa.Table(
    "figures",
    metadata,
    sa.Column("campaign_id", sa.Text, primary_key=True),
    sa.Column("streamer_id", sa.Text, primary_key=True),
    sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("rendered", sa.BigInteger, nullable=False),
    sa.Column("viewer_impressions", sa.BigInteger, nullable=False),
)


def create(admin_url: str, database: str) -> sa.Engine:
    """An empty database with these tables."""
    admin = sa.create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {database}"))
    admin.dispose()
    engine = sa.create_engine(url(admin_url, database))
    metadata.create_all(engine)
    return engine


def url(admin_url: str, database: str) -> str:
    return sa.make_url(admin_url).set(database=database).render_as_string(hide_password=False)


def booked(engine: sa.Engine, campaign_id: str) -> tuple[int, int]:
    """(Minor units that left the campaign's escrow, showings that the figures count.)"""
    spent = sa.select(-accounts.c.balance).where(accounts.c.id == f"escrow:{campaign_id}").scalar_subquery()
    rendered = sa.select(sa.func.sum(figures.c.rendered)).where(figures.c.campaign_id == campaign_id)
    with engine.connect() as connection:
        found = connection.execute(sa.select(spent, rendered.scalar_subquery())).one()
    return int(found[0] or 0), int(found[1] or 0)
