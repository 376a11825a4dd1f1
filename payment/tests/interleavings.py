"""Random commands over a small world, and what must hold after each of them on any store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from chassis.errors import Error
from payment.domain.page import PageRequest
from payment.domain.payout import PayoutStatus
from payment.domain.provider import Progress
from payment.handlers import reading
from payment.tests.mothers import TERMS, Office, acme, nova_the_streamer, the_auditor

Step = tuple[str, int, int]

BRANDS = ("brd_acme", "brd_zeta")
CAMPAIGNS = ("cmp_1", "cmp_2")
PARTICIPATIONS = ("prt_1", "prt_2", "prt_3")


def commands() -> st.SearchStrategy[Step]:
    """(command, amount in minor units, which of the campaigns, participations or payouts)."""
    return st.tuples(st.sampled_from(sorted(COMMANDS)), st.integers(1, 6_000), st.integers(0, 11))


def run(office: Office, step: Step) -> None:
    """A command that is refused by name is as good as one that is done; anything else is a bug."""
    name, minor, which = step
    try:
        COMMANDS[name](office, minor, which)
    except Error as error:
        if not error.code.startswith("payment."):
            raise


def deposit(office: Office, minor: int, which: int) -> None:
    office.deposit(minor, by=acme(BRANDS[which % 2]))


def repeat_deposit(office: Office, minor: int, which: int) -> None:
    ordered = office.order_deposit(minor, key=f"deposit-{which}")
    for progress in (Progress.FAILED, Progress.SUCCEEDED, Progress.SUCCEEDED):
        office.tell_of_payment(ordered, progress)


def reserve(office: Office, minor: int, which: int) -> None:
    office.reserve(minor, campaign=CAMPAIGNS[which % 2])


def repeat_reserve(office: Office, minor: int, which: int) -> None:
    office.reserve(minor, campaign=CAMPAIGNS[which % 2], key=f"reserve-{which}")


def release_budget(office: Office, minor: int, which: int) -> None:
    office.release(campaign=CAMPAIGNS[which % 2], earned=minor if which % 3 else None)


def accrue(office: Office, minor: int, which: int) -> None:
    participation = which % 3
    office.accrue(
        minor,
        number=minor,
        participation=PARTICIPATIONS[participation],
        campaign=CAMPAIGNS[participation % 2],
        streamer="str_nova" if participation < 2 else "str_luna",
    )


def release_holds(office: Office, minor: int, which: int) -> None:
    office.clock.advance(TERMS.hold.total_seconds() if which % 2 else 60)
    office.release_holds()


def request_payout(office: Office, minor: int, which: int) -> None:
    office.request_payout(minor, key=f"payout-{which}")


def settle_payout(office: Office, minor: int, which: int) -> None:
    payouts = office.payments.transaction(
        lambda: office.payments.payouts.of_streamer("str_nova", PageRequest(100))
    ).items
    if not payouts:
        return
    payout = payouts[which % len(payouts)]
    if which % 2:
        office.run_saga(payout)
    office.tell_of_payout(payout, Progress.SUCCEEDED if minor % 2 else Progress.FAILED)


COMMANDS: dict[str, Callable[[Office, int, int], Any]] = {
    command.__name__: command
    for command in (
        deposit,
        repeat_deposit,
        reserve,
        repeat_reserve,
        release_budget,
        accrue,
        release_holds,
        request_payout,
        settle_payout,
    )
}


def check_invariants(office: Office) -> None:
    report = reading.verify_ledger(office.payments, the_auditor())
    assert report.balanced, report
    for campaign in CAMPAIGNS:
        check_escrow(office, campaign)
    check_payouts_under_way(office)


def check_escrow(office: Office, campaign_id: str) -> None:
    ledger = office.payments.transaction(lambda: office.payments.reports.campaign(campaign_id))
    if ledger is not None:
        assert ledger.escrow == ledger.reserved - ledger.earned_gross - ledger.returned
        assert ledger.earned_gross == ledger.platform_fee + ledger.streamer_net
        assert not ledger.escrow.is_negative
        refused = office.payments.transaction(lambda: office.payments.earnings.lock_refused(campaign_id))
        assert not refused or ledger.escrow.is_zero, "nobody is refused what there is money for"


def check_payouts_under_way(office: Office) -> None:
    nova = nova_the_streamer()
    payouts = office.payments.transaction(
        lambda: office.payments.payouts.of_streamer(nova.id, PageRequest(100))
    ).items
    under_way = [p for p in payouts if p.status in (PayoutStatus.REQUESTED, PayoutStatus.PROCESSING)]
    expected = sum(payout.amount.amount_minor for payout in under_way)
    assert office.balance(nova.id, "streamer_paying_out") == expected
