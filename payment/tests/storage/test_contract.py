"""What every store of payment promises, the fake one included."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chassis.pagination import encode_cursor
from payment.domain.deposit import Deposit
from payment.domain.document import DocumentKind
from payment.domain.errors import (
    ConcurrentUpdate,
    DepositNotFound,
    InsufficientFunds,
    InvoiceNotFound,
    PayoutNotFound,
)
from payment.domain.ledger import Transaction, TransactionKind, brand_available, provider_clearing, transfer
from payment.domain.page import PageRequest
from payment.domain.provider import Progress, ProviderEvent, ProviderObject, Subject
from payment.domain.reconciliation import MovementKind
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.domain.webhook import Webhook
from payment.handlers import reading
from payment.handlers.reversals import collect_reversals
from payment.handlers.webhooks import apply_waiting_webhooks
from payment.storage import SqlPayments
from payment.tests.mothers import MORNING, TERMS, accrued, acme, nova_the_streamer, the_auditor, usd


def deposited(minor: int, id: str = "txn_1") -> Transaction:
    source, target = provider_clearing("sandbox", "USD"), brand_available("brd_acme", "USD")
    return Transaction(id, TransactionKind.DEPOSIT, "dep_1", MORNING, transfer(usd(minor), source, target))


def test_what_is_posted_shows_in_the_balance(payments):
    payments.transaction(lambda: payments.ledger.post(deposited(700)))
    payments.transaction(lambda: payments.ledger.post(deposited(300, "txn_2")))

    balances = payments.transaction(lambda: payments.reports.balances("brd_acme", "USD"))

    assert balances == {"brand_available": usd(1_000)}


def test_an_account_is_not_overdrawn(payments):
    payments.transaction(lambda: payments.ledger.post(deposited(700)))
    back = transfer(usd(701), brand_available("brd_acme", "USD"), provider_clearing("sandbox", "USD"))

    with pytest.raises(InsufficientFunds):
        payments.transaction(
            lambda: payments.ledger.post(
                Transaction("txn_2", TransactionKind.RESERVATION, "cmp_1", MORNING, back)
            )
        )


def test_a_transaction_that_fails_leaves_nothing_behind(payments):
    def fails():
        payments.ledger.post(deposited(700))
        payments.documents.next_sequence(DocumentKind.RECEIPT)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        payments.transaction(fails)

    assert payments.reports.verify().transactions == 0
    assert payments.transaction(lambda: payments.documents.next_sequence(DocumentKind.RECEIPT)) == 1


def test_deposits_and_payouts_are_read_as_they_were_saved(office):
    office.fund_nova(8_000)
    payout = office.request_payout(5_000)
    office.run_saga(payout)
    office.tell_of_payout(payout, Progress.SUCCEEDED)
    deposit = office.deposit(1_234)

    read = office.payout(payout.id)

    assert (read.amount, read.paid_at, read.destination_hint) == (
        usd(5_000),
        office.clock.now(),
        "bank ****3000",
    )
    assert deposit == replace(deposit, amount=usd(1_234), status="succeeded", settled_at=office.clock.now())


def test_a_stale_save_is_refused(office):
    deposit = office.order_deposit(500)
    stale = office.payments.transaction(lambda: office.payments.deposits.get(deposit.id))
    office.tell_of_payment(deposit, Progress.SUCCEEDED)

    with pytest.raises(ConcurrentUpdate):
        office.payments.transaction(lambda: office.payments.deposits.save(replace(stale, version=0)))


def test_what_is_missing_is_named(payments):
    with pytest.raises(DepositNotFound):
        payments.transaction(lambda: payments.deposits.get("dep_x"))
    with pytest.raises(PayoutNotFound):
        payments.transaction(lambda: payments.payouts.lock("pay_x"))
    with pytest.raises(InvoiceNotFound):
        payments.transaction(lambda: payments.documents.get("inv_x"))
    assert payments.transaction(lambda: payments.reports.campaign("cmp_x")) is None


def test_deposits_are_due_when_their_time_has_come_and_until_they_are_settled(payments):
    early = Deposit.begin("dep_1", "brd_acme", "sandbox", usd(1), MORNING)
    late = Deposit.begin("dep_2", "brd_acme", "sandbox", usd(1), MORNING + timedelta(hours=1))
    done = replace(early, id="dep_3", status="succeeded")
    payments.transaction(lambda: [payments.deposits.add(deposit) for deposit in (early, late, done)])

    due = payments.transaction(lambda: payments.deposits.due(MORNING + timedelta(minutes=1), 10))

    assert [deposit.id for deposit in due] == ["dep_1"]


def test_a_webhook_is_kept_once_and_the_first_one_counts(payments):
    event = ProviderEvent(
        "evt_1", "x", Subject.PAYMENT, ProviderObject("pi_1", "dep_1", usd(1), Progress.SUCCEEDED)
    )
    first = Webhook.arrived("sandbox", event, MORNING)
    second = Webhook.arrived("sandbox", replace(event, type="y"), MORNING)
    payments.transaction(lambda: [payments.webhooks.keep(webhook) for webhook in (first, second)])

    kept = payments.transaction(lambda: payments.webhooks.lock("sandbox", "evt_1"))

    assert kept == first


def test_a_webhook_that_is_faster_than_its_deposit_is_not_lost(office):
    early = ProviderObject("pi_1", "dep_early", usd(700), Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, early)
    deposit = Deposit.begin("dep_early", "brd_acme", "sandbox", usd(700), MORNING)
    office.payments.transaction(lambda: office.payments.deposits.add(deposit))
    office.clock.advance(60)

    tried = apply_waiting_webhooks(office.payments, office.clock, new_id)

    assert tried == 1
    assert office.balance("brd_acme", "brand_available") == 700
    assert apply_waiting_webhooks(office.payments, office.clock, new_id) == 0


def test_an_idempotency_key_is_claimed_once(payments):
    def claim() -> bool:
        claimed = payments.answers.claim("scope", "key", "print", MORNING)
        payments.answers.keep("scope", "key", {"n": 1})
        return claimed

    outcomes = [payments.transaction(claim) for _ in range(2)]

    assert outcomes == [True, False]
    assert payments.transaction(lambda: payments.answers.find("scope", "key")) == ("print", {"n": 1})


def test_events_are_told_with_what_they_tell_of(office, outbox):
    told = office.payments.events if hasattr(office.payments, "events") else outbox.events

    office.fund_nova(8_000)
    payout = office.request_payout(5_000)
    office.tell_of_payout(payout, Progress.FAILED)

    assert [event.type for event in told] == [
        "deposit_succeeded",
        "budget_reserved",
        "earning_posted",
        "earnings_released",
        "payout_requested",
        "payout_failed",
    ]


def test_lists_come_newest_first_page_by_page(office):
    for minor in (1, 2, 3):
        office.deposit(minor)
        office.clock.advance(1)

    first = reading.list_invoices(office.payments, acme(), PageRequest(2))
    second = reading.list_invoices(office.payments, acme(), PageRequest(2, first.next_cursor))

    totals = [document.total.amount_minor for document in [*first.items, *second.items]]
    assert (totals, second.next_cursor) == ([3, 2, 1], None)


def test_transactions_come_newest_first_page_by_page(office):
    for minor in (1, 2, 3):
        office.deposit(minor)

    first = reading.list_transactions(office.payments, acme(), PageRequest(2))
    second = reading.list_transactions(office.payments, acme(), PageRequest(2, first.next_cursor))

    amounts = [entry.postings[0].amount.amount_minor for entry in [*first.items, *second.items]]
    assert (amounts, second.next_cursor) == ([3, 2, 1], None)


def test_a_campaigns_figures_come_from_the_postings(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.accrue(5_001, participation="prt_1")
    office.accrue(1_000, participation="prt_2", streamer="str_luna")
    office.release(earned=6_001)

    ledger = reading.campaign_ledger(office.payments, acme(), "cmp_1")

    assert (ledger.reserved, ledger.returned, ledger.escrow) == (usd(20_000), usd(13_999), usd(0))
    assert (ledger.earned_gross, ledger.platform_fee, ledger.streamer_net) == (
        usd(6_001),
        usd(1_200),
        usd(4_801),
    )


def test_a_wallet_sums_the_escrows_of_all_campaigns(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.reserve(5_000, campaign="cmp_2")

    wallet = reading.get_wallet(office.payments, acme(), "USD")

    assert wallet.balances == {"available": usd(25_000), "escrow": usd(25_000)}


def test_earnings_of_several_campaigns_are_posted_in_one_transaction(office):
    office.deposit(10_000)
    office.reserve(4_000, campaign="cmp_1")
    office.reserve(4_000, campaign="cmp_2")

    office.accrue_together(
        accrued(100),
        accrued(700, participation="prt_3", campaign="cmp_2", streamer="str_zoe"),
        accrued(200, participation="prt_2", streamer="str_zoe"),
        accrued(300, number=2),
    )
    office.accrue_together(accrued(350, number=3), accrued(200, participation="prt_2", streamer="str_zoe"))

    assert office.balance("str_nova", "streamer_pending") == 280
    assert office.balance("str_zoe", "streamer_pending") == 720
    assert office.balance("brd_acme", "campaign_escrow") == 8_000 - 350 - 900
    assert reading.verify_ledger(office.payments, the_auditor()).balanced


def test_the_whole_line_balances(office):
    office.fund_nova(8_000)
    office.release()
    payout = office.request_payout(5_000)
    office.tell_of_payout(payout, Progress.SUCCEEDED)

    report = reading.verify_ledger(office.payments, the_auditor())

    assert report.balanced
    assert report.sums == {"USD": 0}
    assert report.accounts == 7
    assert office.balance(nova_the_streamer().id, "streamer_available") == 3_000


@pytest.mark.parametrize("cursor", [["x", "y"], [1, 2], ["2026-11-23T09:00:00Z"]])
def test_a_cursor_of_another_list_is_refused(sql, outbox, cursor):
    payments = SqlPayments(sql, outbox)

    with pytest.raises(ValidationFailed):
        reading.list_invoices(payments, acme(), PageRequest(2, encode_cursor(cursor)))


def test_one_round_releases_what_is_due_to_many_streamers(office):
    office.deposit(10_000)
    office.reserve(10_000)
    for number in (1, 2, 3):
        office.accrue(1_000 * number, participation=f"prt_{number}", streamer=f"str_{number}")
    office.clock.advance(TERMS.hold.total_seconds())

    released = [office.release_holds(), office.release_holds()]

    assert released == [3, 0]
    assert [office.balance(f"str_{n}", "streamer_available") for n in (1, 2, 3)] == [800, 1_600, 2_400]


def disputed(payment: str, stage: ReversalStage, minor: int = 700) -> Reversal:
    return Reversal("du_1", payment, ReversalKind.DISPUTE, "fraudulent", usd(minor), stage)


def test_a_deposit_is_found_by_the_providers_ids_and_no_other_providers(payments):
    begun = Deposit.begin("dep_1", "brd_acme", "stripe", usd(700), MORNING)
    deposit = replace(begun, intent_id="pi_1", payment_id="ch_1", checkout="sealed")
    payments.transaction(lambda: payments.deposits.add(deposit))

    for payment in ("pi_1", "ch_1"):
        assert (
            payments.transaction(lambda p=payment: payments.deposits.lock_by_payment("stripe", p)) == deposit
        )
    with pytest.raises(DepositNotFound):
        payments.transaction(lambda: payments.deposits.lock_by_payment("paypal", "pi_1"))
    names = payments.transaction(lambda: payments.deposits.references("stripe", ["ch_1", "pi_1", "pi_2"]))
    assert names == {"ch_1": "dep_1", "pi_1": "dep_1"}
    assert payments.transaction(lambda: payments.deposits.references("stripe", [])) == {}


def test_a_reversal_is_kept_as_it_was_told_last(office):
    deposit = office.deposit(700)
    payment = f"pi_{deposit.id}"

    office.tell_of_reversal(disputed(payment, ReversalStage.OPEN))
    office.tell_of_reversal(disputed(payment, ReversalStage.FINAL))

    known = office.payments.transaction(lambda: office.payments.reversals.of_deposit(deposit.id))
    assert known == [disputed(payment, ReversalStage.FINAL)]
    assert office.balance("brd_acme", "brand_available") == 0
    assert office.payments.reports.verify().balanced


def test_what_a_wallet_owes_is_due_until_it_is_paid(office):
    deposit = office.deposit(700)
    office.reserve(700)
    office.tell_of_reversal(disputed(f"pi_{deposit.id}", ReversalStage.OPEN))
    office.clock.advance(60)

    def outstanding():
        return office.payments.transaction(
            lambda: office.payments.deposits.outstanding(office.clock.now(), 10)
        )

    assert outstanding() == [deposit.id]
    office.release(earned=0)
    collect_reversals(office.payments, office.clock, new_id)
    office.clock.advance(7200)
    assert outstanding() == []


def test_the_ledgers_side_of_a_reconciliation_has_signs_as_the_provider_has_them(office):
    deposit = office.deposit(700)
    office.tell_of_reversal(disputed(f"pi_{deposit.id}", ReversalStage.OPEN, 300))
    office.tell_of_reversal(disputed(f"pi_{deposit.id}", ReversalStage.DROPPED, 300))

    def cleared(since, until):
        read = office.payments.reports.cleared
        return office.payments.transaction(lambda: read("sandbox", since, until))

    now = office.clock.now()
    found = cleared(now, now + timedelta(seconds=1))
    assert sorted((c.kind, c.reference, c.amount) for c in found) == [
        (MovementKind.DEPOSIT, deposit.id, usd(700)),
        (MovementKind.REVERSAL, deposit.id, usd(-300)),
        (MovementKind.REVERSAL, deposit.id, usd(300)),
    ]
    assert cleared(now - timedelta(days=1), now) == []


def test_contradictions_are_listed_by_the_time_they_came(office):
    deposit = office.order_deposit(700)
    other = ProviderObject(f"pi_{deposit.id}", deposit.id, usd(701), Progress.SUCCEEDED)
    office.tell(Subject.PAYMENT, other, "evt_other")
    now = office.clock.now()

    def refused(since):
        read = office.payments.webhooks.contradictions
        return office.payments.transaction(lambda: read("sandbox", since, now + timedelta(seconds=1)))

    assert [event_id for event_id, _ in refused(now)] == ["evt_other"]
    assert refused(now + timedelta(milliseconds=1)) == []
