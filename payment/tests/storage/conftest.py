"""Each test of the contract runs over the fake and over PostgreSQL."""

import pytest

from payment.storage import SqlPayments
from payment.tests.fakes import FakePayments
from payment.tests.mothers import Office


@pytest.fixture
def sql(sql_for):
    return sql_for("payment")


@pytest.fixture(params=["fake", "postgres"])
def payments(request):
    if request.param == "fake":
        return FakePayments()
    outbox = request.getfixturevalue("outbox")
    return SqlPayments(request.getfixturevalue("sql"), outbox)


@pytest.fixture
def office(payments) -> Office:
    return Office(payments)


@pytest.fixture
def real_office(sql, outbox) -> Office:
    return Office(SqlPayments(sql, outbox))
