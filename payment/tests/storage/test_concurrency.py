"""Many at once on real PostgreSQL."""

from collections import Counter

import eventlet
import pytest

from chassis.errors import Error
from payment.domain.page import PageRequest
from payment.domain.provider import Progress
from payment.tests.mothers import TERMS


def at_once(*works) -> Counter:
    """Runs all works together; how often each outcome came."""

    def outcome(work) -> str:
        try:
            work()
        except Error as refusal:
            return refusal.code
        return "ok"

    threads = [eventlet.spawn(outcome, work) for work in works]
    return Counter(thread.wait() for thread in threads)


def test_parallel_reserves_of_one_wallet_never_overdraw_it(real_office):
    real_office.deposit(1_000)

    outcomes = at_once(*(lambda n=n: real_office.reserve(300, campaign=f"cmp_{n % 4}") for n in range(12)))

    assert outcomes == {"ok": 3, "payment.insufficient_funds": 9}
    assert real_office.balance("brd_acme", "brand_available") == 100
    assert real_office.payments.reports.verify().balanced


def test_parallel_requests_with_one_key_reserve_once(real_office):
    real_office.deposit(1_000)

    outcomes = at_once(*(lambda: real_office.reserve(300, key="k") for _ in range(8)))

    assert outcomes == {"ok": 8}
    assert real_office.balance("brd_acme", "brand_available") == 700


def test_parallel_payouts_never_pay_more_than_there_is(real_office):
    real_office.fund_nova(8_000)

    outcomes = at_once(*(lambda: real_office.request_payout(3_000) for _ in range(6)))

    assert outcomes == {"ok": 2, "payment.insufficient_funds": 4}
    assert real_office.balance("str_nova", "streamer_paying_out") == 6_000


def test_webhooks_of_one_payment_that_come_together_credit_once(real_office):
    deposit = real_office.order_deposit(700)

    outcomes = at_once(
        *(
            lambda n=n: real_office.tell_of_payment(deposit, Progress.SUCCEEDED, event=f"evt_{n % 3}")
            for n in range(9)
        )
    )

    assert outcomes == {"ok": 9}
    assert real_office.balance("brd_acme", "brand_available") == 700


def test_receipts_have_no_gaps_when_deposits_arrive_together(real_office):
    at_once(*(lambda: real_office.deposit(100) for _ in range(10)))

    documents = real_office.payments.documents
    sequences = real_office.payments.transaction(
        lambda: [document.sequence for document in documents.of_account("brd_acme", PageRequest(100)).items]
    )
    assert sorted(sequences) == list(range(1, 11))


def test_holds_are_released_once_by_two_timers(real_office):
    real_office.deposit(10_000)
    real_office.reserve(10_000)
    for n in range(5):
        real_office.accrue(1_000, participation=f"prt_{n}", streamer=f"str_{n % 2}")
    real_office.clock.advance(TERMS.hold.total_seconds())

    outcomes = at_once(*(real_office.release_holds for _ in range(3)))

    assert outcomes == {"ok": 3}
    available = [real_office.balance(f"str_{n}", "streamer_available") for n in range(2)]
    assert available == [2_400, 1_600]
    assert real_office.payments.reports.verify().balanced


def test_everything_at_once_balances(real_office):
    real_office.deposit(20_000)
    real_office.reserve(5_000)

    outcomes = at_once(
        *(
            lambda n=n: real_office.accrue(100 * n, number=n, participation=f"prt_{n % 3}")
            for n in range(1, 9)
        ),
        *(lambda: real_office.deposit(100) for _ in range(4)),
        *(lambda n=n: real_office.reserve(100, campaign=f"cmp_{n % 2}") for n in range(4)),
        real_office.release,
    )

    assert outcomes["ok"] == sum(outcomes.values())
    assert real_office.payments.reports.verify().balanced


@pytest.mark.parametrize("round", range(2))
def test_a_release_and_late_earnings_never_share_the_same_money(real_office, round):
    real_office.deposit(1_000)
    real_office.reserve(1_000)

    at_once(lambda: real_office.accrue(900), real_office.release, lambda: real_office.accrue(950, number=2))

    back = real_office.balance("brd_acme", "brand_available")
    assert back in (1_000, 100, 50)
    assert real_office.payments.reports.verify().balanced
