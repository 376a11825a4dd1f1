"""The ledger and what refers to it, with the rules that the database itself enforces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.sql import create_chassis_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
CURRENCY = sa.CHAR(3)

REFUSE_CHANGES = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a correction is a reversal', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""

# The number of postings is part of the transaction, so that nobody adds a balanced pair to it later.
CHECK_TRANSACTION = """
CREATE FUNCTION check_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked text := CASE TG_TABLE_NAME WHEN 'postings' THEN to_jsonb(NEW) ->> 'transaction_id'
                                       ELSE to_jsonb(NEW) ->> 'id' END;
BEGIN
    IF EXISTS (SELECT FROM postings WHERE transaction_id = checked
               GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'the postings of % do not sum to zero', checked USING ERRCODE = 'check_violation';
    END IF;
    IF (SELECT count(*) FROM postings WHERE transaction_id = checked)
       <> (SELECT posting_count FROM transactions WHERE id = checked) THEN
        RAISE EXCEPTION 'the postings of % are not those it was made with', checked
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    create_chassis_tables(op)
    create_ledger()
    create_aggregates()
    create_records()
    op.execute(REFUSE_CHANGES)
    op.execute(CHECK_TRANSACTION)
    for table in ("transactions", "postings"):
        guard(table)


def guard(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_are_immutable BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_are_kept BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE CONSTRAINT TRIGGER {table}_balance AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION check_transaction()"
    )


def create_ledger() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        sa.Column("wallet", sa.Text),
        sa.Column("balance", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("kind", "owner", "currency"),
        sa.UniqueConstraint("id", "currency"),
        sa.CheckConstraint("balance >= 0 OR kind = 'provider_clearing'", name="only_clearing_is_negative"),
    )
    op.create_index("accounts_wallet", "accounts", ["wallet"])
    op.create_table(
        "transactions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("posting_count", sa.SmallInteger, nullable=False),
        sa.CheckConstraint("posting_count >= 2", name="two_sides"),
    )
    op.create_table(
        "postings",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("transaction_id", sa.Text, sa.ForeignKey("transactions.id"), nullable=False),
        sa.Column("account_id", sa.BigInteger, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["account_id", "currency"], ["accounts.id", "accounts.currency"]),
        sa.CheckConstraint("amount <> 0", name="moves_something"),
    )
    op.create_index("postings_transaction", "postings", ["transaction_id"])
    op.create_index("postings_account", "postings", ["account_id", "transaction_id"])


def create_aggregates() -> None:
    op.create_table(
        "campaign_budgets",
        sa.Column("campaign_id", sa.Text, primary_key=True),
        sa.Column("brand_id", sa.Text, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in BUDGET_AMOUNTS),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("reserved - earned - returned >= 0", name="escrow_is_not_negative"),
    )
    op.create_table(
        "participation_earnings",
        sa.Column("participation_id", sa.Text, primary_key=True),
        sa.Column("campaign_id", sa.Text, nullable=False),
        sa.Column("brand_id", sa.Text, nullable=False),
        sa.Column("streamer_id", sa.Text, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("accrued", "gross", "fee")),
        sa.Column("accrual", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("accrued >= gross AND gross >= fee AND fee >= 0", name="parts_fit"),
    )
    op.create_table(
        "holds",
        sa.Column("transaction_id", sa.Text, sa.ForeignKey("transactions.id"), primary_key=True),
        sa.Column("streamer_id", sa.Text, nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("release_at", TIME, nullable=False),
        sa.Column("released_by", sa.Text, sa.ForeignKey("transactions.id")),
    )
    unreleased = sa.text("released_by IS NULL")
    op.create_index("holds_due", "holds", ["release_at"], postgresql_where=unreleased)
    create_deposits_and_payouts()


BUDGET_AMOUNTS = ("reserved", "earned", "refused", "returned")


def create_deposits_and_payouts() -> None:
    op.create_table(
        "deposits",
        *money_with_provider("brand_id"),
        sa.Column("intent_id", sa.Text),
        sa.Column("next_check_at", TIME, nullable=False),
        sa.Column("checks", sa.Integer, nullable=False),
    )
    pending = sa.text("status = 'pending'")
    op.create_index("deposits_due", "deposits", ["next_check_at"], postgresql_where=pending)
    op.create_table(
        "payouts",
        *money_with_provider("streamer_id"),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("destination_hint", sa.Text, nullable=False),
        sa.Column("provider_payout_id", sa.Text),
        sa.Column("statement_id", sa.Text),
    )
    op.create_index("payouts_streamer", "payouts", ["streamer_id", "created_at", "id"])


def money_with_provider(owner: str) -> list[sa.Column]:
    return [
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(owner, sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, sa.CheckConstraint("amount > 0"), nullable=False),
        sa.Column("currency", CURRENCY, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("settled_at", TIME),
        sa.Column("version", sa.Integer, nullable=False),
    ]


def create_records() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.UniqueConstraint("kind", "sequence"),
        sa.UniqueConstraint("kind", "reference"),
    )
    op.create_index("documents_account", "documents", ["account_id", "issued_at", "id"])
    op.create_table(
        "document_counters",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("answer", JSONB),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "webhooks",
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("object", JSONB, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("note", sa.Text),
    )
    waiting = sa.text("status = 'waiting'")
    op.create_index("webhooks_due", "webhooks", ["next_attempt_at"], postgresql_where=waiting)
