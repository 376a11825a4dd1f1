from datetime import timedelta

import pytest

from chassis.errors import Forbidden
from payment.domain.errors import PeriodTooLong
from payment.domain.provider import Progress, Subject
from payment.domain.reconciliation import DifferenceKind, Movement, MovementKind
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.handlers.reconciliation import Period, reconcile
from payment.tests.mothers import MORNING, acme, the_auditor, usd

DAY = Period(MORNING - timedelta(hours=1), MORNING + timedelta(hours=1))


def moved(office, minor: int, kind=MovementKind.DEPOSIT, at=MORNING, **names) -> None:
    number = len(office.provider.moved)
    office.provider.moved.append(Movement(f"bt_{number}", kind, usd(minor), at, **names))


def compared(office, period=DAY, by=None):
    office.clock.advance(3600)
    return reconcile(office.payments, office.provider, office.clock, by or the_auditor(), period)


def found(office):
    return [(d.difference, d.reference) for d in compared(office).differences]


def test_books_that_agree_have_no_difference(office):
    deposit = office.deposit(50_000)
    reversal = Reversal(
        "re_1", f"pi_{deposit.id}", ReversalKind.REFUND, "duplicate", usd(20_000), ReversalStage.FINAL
    )
    office.tell_of_reversal(reversal)
    moved(office, 50_000, reference=deposit.id)
    moved(office, -20_000, MovementKind.REVERSAL, payment=f"pi_{deposit.id}")

    result = compared(office)

    assert (result.agrees, result.movements) == (True, 2)


def test_a_payout_agrees_with_what_left(office):
    office.fund_nova(8_000)
    payout = office.request_payout(5_000)
    office.run_saga(payout)
    office.tell_of_payout(payout, Progress.SUCCEEDED)
    moved(office, -5_000, MovementKind.PAYOUT, at=office.clock.now(), reference=payout.id)
    period = Period(office.clock.now(), office.clock.now() + timedelta(hours=1))

    assert compared(office, period).agrees


def test_money_that_came_and_was_not_posted_is_listed(office):
    deposit = office.order_deposit(50_000)
    moved(office, 50_000, reference=deposit.id)
    moved(office, 700, payment="pi_of_somebody")

    assert found(office) == [
        (DifferenceKind.NOT_IN_LEDGER, deposit.id),
        (DifferenceKind.NOT_IN_LEDGER, "pi_of_somebody"),
    ]


def test_what_was_posted_and_never_came_is_listed(office):
    deposit = office.deposit(50_000)

    assert found(office) == [(DifferenceKind.NOT_AT_PROVIDER, deposit.id)]


def test_another_amount_is_listed_with_both(office):
    deposit = office.deposit(50_000)
    moved(office, 49_000, reference=deposit.id)

    (difference,) = compared(office).differences

    assert difference.difference == DifferenceKind.AMOUNT_DIFFERS
    assert (difference.at_provider, difference.in_ledger) == (usd(49_000), usd(50_000))


def test_a_refund_that_the_wallet_could_not_pay_is_listed(office):
    deposit = office.deposit(50_000)
    office.reserve(45_000)
    reversal = Reversal(
        "re_1", f"pi_{deposit.id}", ReversalKind.REFUND, "duplicate", usd(50_000), ReversalStage.FINAL
    )
    office.tell_of_reversal(reversal)
    moved(office, 50_000, reference=deposit.id)
    moved(office, -50_000, MovementKind.REVERSAL, payment=f"pi_{deposit.id}")

    (difference,) = compared(office).differences

    assert (difference.kind, difference.in_ledger) == (MovementKind.REVERSAL, usd(-5_000))


def test_a_webhook_that_was_refused_for_what_it_says_is_listed_with_the_reason(office):
    found_there = office.provider.finish(f"pi_{office.order_deposit(500).id}", Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, found_there, "evt_live", objection="it is about live money")

    (difference,) = compared(office).differences

    assert (difference.reference, difference.note) == ("evt_live", "it is about live money")


def test_a_movement_just_before_the_period_may_be_posted_in_it(office):
    deposit = office.deposit(50_000)
    moved(office, 50_000, at=MORNING - timedelta(hours=2), reference=deposit.id)

    assert compared(office).agrees


def test_what_lies_outside_of_the_period_on_both_sides_is_not_looked_at(office):
    moved(office, 700, at=MORNING - timedelta(hours=2), payment="pi_of_somebody")

    assert compared(office).agrees


def test_a_long_period_is_refused_by_name(office):
    with pytest.raises(PeriodTooLong):
        compared(office, Period(MORNING - timedelta(days=29), MORNING))


def test_only_admins_reconcile(office):
    with pytest.raises(Forbidden):
        compared(office, by=acme())
