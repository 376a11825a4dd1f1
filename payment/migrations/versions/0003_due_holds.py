"""The due holds of one streamer are found without looking at everybody's."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    unreleased = sa.text("released_by IS NULL")
    columns = ["streamer_id", "currency", "release_at"]
    op.create_index("holds_of_streamer", "holds", columns, postgresql_where=unreleased)
