"""What a provider takes back of a deposit, and what a payer's browser needs to pay one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("deposits", sa.Column("payment_id", sa.Text))
    op.add_column("deposits", sa.Column("checkout", sa.Text))
    for column in ("owed_minor", "reversed_minor"):
        op.add_column("deposits", sa.Column(column, sa.BigInteger, nullable=False, server_default="0"))
        within = f"{column} BETWEEN 0 AND amount"
        op.create_check_constraint(f"{column}_is_part_of_it", "deposits", within)
    op.create_index("deposits_intent", "deposits", ["intent_id"])
    op.create_index("deposits_payment", "deposits", ["payment_id"])
    short = sa.text("owed_minor <> reversed_minor")
    op.create_index("deposits_outstanding", "deposits", ["next_check_at"], postgresql_where=short)
    refused = sa.text("status = 'conflict'")
    op.create_index("webhooks_refused", "webhooks", ["received_at"], postgresql_where=refused)
    op.create_table(
        "reversals",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("deposit_id", sa.Text, sa.ForeignKey("deposits.id"), nullable=False),
        sa.Column("payment", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, sa.CheckConstraint("amount >= 0"), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("first_known_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
    )
    op.create_index("reversals_deposit", "reversals", ["deposit_id"])
