"""What a list costs does not depend on how much happened before."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from payment.domain.page import PageRequest
from payment.storage.reports import newest_of_wallet


def plan_of(sql, statement: sa.Select[Any]) -> dict[str, Any]:
    """How PostgreSQL carried it out, without the ways that only pay on a table of a few pages."""
    compiled = statement.compile(sql.engine, compile_kwargs={"literal_binds": True})

    def work() -> dict[str, Any]:
        for way in ("seqscan", "bitmapscan"):
            sql.connection.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        explained = sql.connection.execute(sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}"))
        found = explained.scalar_one()
        plan = json.loads(found) if isinstance(found, str) else found
        return plan[0]["Plan"]

    return sql.transaction(work)


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    yield plan["Actual Rows"] * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from rows_read(part)


def test_a_page_of_transactions_reads_a_page_however_long_the_history_is(real_office, sql):
    for _ in range(40):
        real_office.deposit(10)
    real_office.reserve(100)

    plan = plan_of(sql, newest_of_wallet("brd_acme", PageRequest(3)))

    # A page and the surplus item, for each of the brand's two accounts.
    assert max(rows_read(plan)) <= 2 * 4
