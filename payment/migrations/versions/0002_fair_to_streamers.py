"""A participation's fee is its own, and what a grown budget owes is found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whoever earned before this revision did so under the fee of the published terms.
    fee = sa.Column("fee_basis_points", sa.Integer, nullable=False, server_default="2000")
    op.add_column("participation_earnings", fee)
    op.alter_column("participation_earnings", "fee_basis_points", server_default=None)
    refused = sa.text("accrued > gross")
    op.create_index("earnings_refused", "participation_earnings", ["campaign_id"], postgresql_where=refused)
