"""A brand's report asks for all of its campaigns."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("campaigns_brand_id", "campaigns", ["brand_id"])


def downgrade() -> None:
    op.drop_index("campaigns_brand_id")
