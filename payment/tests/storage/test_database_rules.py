"""What the database refuses by itself, whatever the code above it believes."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from payment.storage import tables
from payment.tests.mothers import MORNING


@pytest.fixture
def ledger(real_office):
    real_office.deposit(50_000)
    real_office.reserve(20_000)
    return real_office


def account(sql, kind: str) -> int:
    query = sa.select(tables.accounts.c.id).where(tables.accounts.c.kind == kind)
    return sql.transaction(lambda: sql.connection.execute(query).scalar_one())


def insert_transaction(sql, amounts, count: int = 2, currency: str = "USD") -> None:
    ids = [account(sql, "brand_available"), account(sql, "campaign_escrow")]

    def work():
        sql.connection.execute(
            tables.transactions.insert().values(
                id="txn_bad", kind="deposit", reference="x", at=MORNING, posting_count=count
            )
        )
        for index, amount in enumerate(amounts):
            sql.connection.execute(
                tables.postings.insert().values(
                    transaction_id="txn_bad", account_id=ids[index % 2], currency=currency, amount=amount
                )
            )

    sql.transaction(work)


def run(sql, statement: str) -> None:
    sql.transaction(lambda: sql.connection.execute(sa.text(statement)))


def test_postings_that_do_not_sum_to_zero_are_not_committed(ledger, sql):
    with pytest.raises(DBAPIError, match="do not sum to zero"):
        insert_transaction(sql, [100, -99])


@pytest.mark.parametrize(("amounts", "count"), [([], 2), ([100, -100, 5, -5], 2), ([100, -100], 3)])
def test_a_transaction_has_the_postings_that_it_was_made_with(ledger, sql, amounts, count):
    with pytest.raises(DBAPIError, match="not those it was made with"):
        insert_transaction(sql, amounts, count)


def test_nobody_adds_a_balanced_pair_to_an_old_transaction(ledger, sql):
    insert_transaction(sql, [100, -100])
    pair = (
        "INSERT INTO postings (transaction_id, account_id, currency, amount) "
        "SELECT 'txn_bad', account_id, currency, amount FROM postings WHERE transaction_id = 'txn_bad'"
    )

    with pytest.raises(DBAPIError, match="not those it was made with"):
        run(sql, pair)


def test_a_posting_cannot_name_another_currency_than_its_account(ledger, sql):
    with pytest.raises(IntegrityError):
        insert_transaction(sql, [100, -100], currency="EUR")


def test_an_empty_posting_is_refused(ledger, sql):
    with pytest.raises(IntegrityError, match="moves_something"):
        insert_transaction(sql, [0, 0])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE postings SET amount = amount + 1",
        "DELETE FROM postings",
        "TRUNCATE postings",
        "UPDATE transactions SET reference = 'x'",
        "DELETE FROM transactions",
        "TRUNCATE transactions CASCADE",
    ],
)
def test_what_was_posted_stays_as_it_is(ledger, sql, statement):
    with pytest.raises(DBAPIError, match="append-only"):
        run(sql, statement)


def test_only_the_clearing_account_may_be_negative(ledger, sql):
    run(sql, "UPDATE accounts SET balance = -1 WHERE kind = 'provider_clearing'")

    with pytest.raises(IntegrityError, match="only_clearing_is_negative"):
        run(sql, "UPDATE accounts SET balance = -1 WHERE kind = 'brand_available'")


def test_an_auditor_finds_a_balance_that_its_postings_do_not_explain(ledger, sql):
    run(sql, "UPDATE accounts SET balance = balance + 1 WHERE kind = 'brand_available'")

    report = ledger.payments.reports.verify()

    assert not report.balanced
    assert report.mismatched_accounts == ("brand_available:brd_acme:USD",)


def test_an_auditor_finds_a_budget_that_its_escrow_does_not_explain(ledger, sql):
    run(sql, "UPDATE campaign_budgets SET reserved = reserved + 1")

    report = ledger.payments.reports.verify()

    assert not report.balanced
    assert report.mismatched_campaigns == ("cmp_1",)
