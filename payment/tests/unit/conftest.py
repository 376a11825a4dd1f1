import pytest

from payment.tests.fakes import FakePayments
from payment.tests.mothers import Office


@pytest.fixture
def office() -> Office:
    return Office(FakePayments())
