from itertools import permutations

import pytest

from payment.domain.provider import Progress, Subject
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.domain.webhook import WebhookStatus
from payment.events import DepositReinstated, DepositReversed
from payment.handlers.reversals import collect_reversals
from payment.handlers.webhooks import apply_waiting_webhooks
from payment.tests.mothers import new_id, usd


def wallet_of_acme(office) -> int:
    return office.balance("brd_acme", "brand_available")


def refund(deposit, minor: int, id: str = "re_1") -> Reversal:
    return Reversal(id, f"pi_{deposit.id}", ReversalKind.REFUND, "duplicate", usd(minor), ReversalStage.FINAL)


def dispute(deposit, stage: ReversalStage = ReversalStage.OPEN, minor: int = 50_000) -> Reversal:
    return Reversal("du_1", f"pi_{deposit.id}", ReversalKind.DISPUTE, "fraudulent", usd(minor), stage)


@pytest.fixture
def deposit(office):
    return office.deposit(50_000)


def test_a_refund_leaves_the_wallet_with_its_reason(office, deposit):
    office.tell_of_reversal(refund(deposit, 20_000))

    assert wallet_of_acme(office) == 30_000
    told = DepositReversed(
        deposit_id=deposit.id, brand_id="brd_acme", amount=usd(20_000), reason="refund re_1: duplicate"
    )
    assert office.payments.events[-1] == told


def test_a_refund_that_is_told_twice_is_taken_once(office, deposit):
    for event in ("evt_1", "evt_1", "evt_2"):
        office.tell_of_reversal(refund(deposit, 20_000), event)

    assert wallet_of_acme(office) == 30_000


def test_the_larger_sum_of_a_charges_refunds_counts_in_whatever_order_it_is_told(office, deposit):
    for minor in (30_000, 20_000):
        office.tell_of_reversal(refund(deposit, minor))

    assert wallet_of_acme(office) == 20_000


def test_two_refunds_add_up(office, deposit):
    office.tell_of_reversal(refund(deposit, 20_000, "re_1"))
    office.tell_of_reversal(refund(deposit, 10_000, "re_2"))

    assert wallet_of_acme(office) == 20_000


def test_a_dispute_takes_the_money_while_it_is_open(office, deposit):
    office.tell_of_reversal(dispute(deposit))

    assert wallet_of_acme(office) == 0


def test_a_dispute_that_is_won_gives_it_back(office, deposit):
    office.tell_of_reversal(dispute(deposit))

    office.tell_of_reversal(dispute(deposit, ReversalStage.DROPPED))

    assert wallet_of_acme(office) == 50_000
    assert isinstance(office.payments.events[-1], DepositReinstated)


@pytest.mark.parametrize(
    ("end", "left"), [(ReversalStage.DROPPED, 50_000), (ReversalStage.FINAL, 0)], ids=["won", "lost"]
)
def test_the_end_of_a_dispute_counts_though_it_is_told_before_the_beginning(office, deposit, end, left):
    office.tell_of_reversal(dispute(deposit, end))
    office.tell_of_reversal(dispute(deposit))

    assert wallet_of_acme(office) == left


def test_payment_refund_and_dispute_come_to_the_same_in_every_order(office):
    for order in permutations(range(3)):
        before = wallet_of_acme(office)
        deposit = office.order_deposit(50_000)
        told = (
            lambda d=deposit: office.tell_of_payment(d, Progress.SUCCEEDED),
            lambda d=deposit, o=order: office.tell_of_reversal(refund(d, 20_000, f"re_{o}")),
            lambda d=deposit, o=order: office.tell_of_reversal(
                Reversal(
                    f"du_{o}",
                    f"pi_{d.id}",
                    ReversalKind.DISPUTE,
                    "fraudulent",
                    usd(10_000),
                    ReversalStage.OPEN,
                )
            ),
        )
        for index in order:
            told[index]()
        assert wallet_of_acme(office) - before == 20_000


def test_a_refund_and_a_dispute_of_the_same_money_never_take_more_than_came(office, deposit):
    office.deposit(10_000)
    office.tell_of_reversal(refund(deposit, 50_000))

    office.tell_of_reversal(dispute(deposit))

    assert wallet_of_acme(office) == 10_000


def test_what_the_wallet_cannot_give_is_taken_when_money_comes(office, deposit):
    office.reserve(45_000)
    office.tell_of_reversal(dispute(deposit))
    assert wallet_of_acme(office) == 0
    office.release(earned=0)
    office.clock.advance(60)

    collect_reversals(office.payments, office.clock, new_id)

    assert wallet_of_acme(office) == 0
    assert office.payments.transaction(lambda: office.payments.deposits.get(deposit.id)).outstanding.is_zero
    assert office.payments.reports.verify().balanced


def test_a_dispute_that_is_won_gives_back_no_more_than_was_taken(office, deposit):
    office.reserve(45_000)
    office.tell_of_reversal(dispute(deposit))

    office.tell_of_reversal(dispute(deposit, ReversalStage.DROPPED))

    assert wallet_of_acme(office) == 5_000


def test_a_round_without_outstanding_money_does_nothing(office, deposit):
    office.clock.advance(7200)

    assert collect_reversals(office.payments, office.clock, new_id) == 0


def test_a_reversal_that_is_faster_than_its_payment_waits_for_it(office):
    deposit = office.order_deposit(50_000)
    early = Reversal("re_1", "ch_1", ReversalKind.REFUND, "duplicate", usd(50_000), ReversalStage.FINAL)
    office.tell_of_reversal(early, "evt_early")
    found = office.provider.finish(f"pi_{deposit.id}", Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, type(found)(**{**vars(found), "payment_id": "ch_1"}))
    office.clock.advance(60)

    apply_waiting_webhooks(office.payments, office.clock, new_id)

    assert wallet_of_acme(office) == 0


@pytest.mark.parametrize("amount", [usd(50_001), type(usd(1))(50_000, "EUR")])
def test_a_reversal_over_more_than_came_or_in_other_money_is_kept_as_a_contradiction(office, deposit, amount):
    wrong = Reversal(
        "re_1", f"pi_{deposit.id}", ReversalKind.REFUND, "duplicate", amount, ReversalStage.FINAL
    )

    office.tell_of_reversal(wrong, "evt_wrong")

    assert wallet_of_acme(office) == 50_000
    assert office.payments.tables.webhooks["sandbox", "evt_wrong"].status == WebhookStatus.CONFLICT
