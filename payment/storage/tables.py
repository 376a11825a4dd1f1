"""The tables, as migrations/versions has made them. Amounts are minor units of the row's currency."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()

TIME = sa.DateTime(timezone=True)


def table(name: str, identity: tuple[str, ...], /, **columns: Any) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        *(sa.Column(column, kind, primary_key=column in identity) for column, kind in columns.items()),
    )


accounts = table(
    "accounts",
    ("id",),
    id=sa.BigInteger,
    kind=sa.Text,
    owner=sa.Text,
    currency=sa.Text,
    wallet=sa.Text,
    balance=sa.BigInteger,
)
transactions = table(
    "transactions",
    ("id",),
    id=sa.Text,
    kind=sa.Text,
    reference=sa.Text,
    at=TIME,
    posting_count=sa.SmallInteger,
)
postings = table(
    "postings",
    ("id",),
    id=sa.BigInteger,
    transaction_id=sa.Text,
    account_id=sa.BigInteger,
    currency=sa.Text,
    amount=sa.BigInteger,
)
campaign_budgets = table(
    "campaign_budgets",
    ("campaign_id",),
    campaign_id=sa.Text,
    brand_id=sa.Text,
    currency=sa.Text,
    reserved=sa.BigInteger,
    earned=sa.BigInteger,
    refused=sa.BigInteger,
    returned=sa.BigInteger,
    version=sa.Integer,
)
participation_earnings = table(
    "participation_earnings",
    ("participation_id",),
    participation_id=sa.Text,
    campaign_id=sa.Text,
    brand_id=sa.Text,
    streamer_id=sa.Text,
    currency=sa.Text,
    accrued=sa.BigInteger,
    gross=sa.BigInteger,
    fee=sa.BigInteger,
    fee_basis_points=sa.Integer,
    accrual=sa.Integer,
    version=sa.Integer,
)
holds = table(
    "holds",
    ("transaction_id",),
    transaction_id=sa.Text,
    streamer_id=sa.Text,
    currency=sa.Text,
    amount=sa.BigInteger,
    release_at=TIME,
    released_by=sa.Text,
)
deposits = table(
    "deposits",
    ("id",),
    id=sa.Text,
    brand_id=sa.Text,
    provider=sa.Text,
    amount=sa.BigInteger,
    currency=sa.Text,
    status=sa.Text,
    failure=sa.Text,
    created_at=TIME,
    settled_at=TIME,
    version=sa.Integer,
    intent_id=sa.Text,
    next_check_at=TIME,
    checks=sa.Integer,
    payment_id=sa.Text,
    checkout=sa.Text,
    owed_minor=sa.BigInteger,
    reversed_minor=sa.BigInteger,
)
reversals = table(
    "reversals",
    ("provider", "id"),
    provider=sa.Text,
    id=sa.Text,
    deposit_id=sa.Text,
    payment=sa.Text,
    kind=sa.Text,
    reason=sa.Text,
    amount=sa.BigInteger,
    currency=sa.Text,
    stage=sa.Text,
    first_known_at=TIME,
    updated_at=TIME,
)
payouts = table(
    "payouts",
    ("id",),
    id=sa.Text,
    streamer_id=sa.Text,
    provider=sa.Text,
    amount=sa.BigInteger,
    currency=sa.Text,
    status=sa.Text,
    failure=sa.Text,
    created_at=TIME,
    settled_at=TIME,
    version=sa.Integer,
    destination=sa.Text,
    destination_hint=sa.Text,
    provider_payout_id=sa.Text,
    statement_id=sa.Text,
)
documents = table(
    "documents",
    ("id",),
    id=sa.Text,
    kind=sa.Text,
    sequence=sa.BigInteger,
    account_id=sa.Text,
    reference=sa.Text,
    issued_at=TIME,
    lines=JSONB,
)
document_counters = table("document_counters", ("kind",), kind=sa.Text, last=sa.BigInteger)
idempotency_keys = table(
    "idempotency_keys",
    ("scope", "key"),
    scope=sa.Text,
    key=sa.Text,
    fingerprint=sa.Text,
    answer=JSONB,
    created_at=TIME,
)
webhooks = table(
    "webhooks",
    ("provider", "event_id"),
    provider=sa.Text,
    event_id=sa.Text,
    type=sa.Text,
    subject=sa.Text,
    object=JSONB,
    received_at=TIME,
    next_attempt_at=TIME,
    status=sa.Text,
    attempts=sa.Integer,
    note=sa.Text,
)
