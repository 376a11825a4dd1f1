import pytest

from chassis.errors import Forbidden, Unauthenticated
from chassis.principal import ANONYMOUS
from payment.domain.errors import CampaignNotFound, InvoiceNotFound
from payment.domain.page import PageRequest
from payment.handlers import reading
from payment.tests.mothers import acme, nova_the_streamer, the_auditor, usd


def test_an_unused_wallet_shows_zeros(office):
    wallet = reading.get_wallet(office.payments, acme(), "USD")

    assert wallet.balances == {"available": usd(0), "escrow": usd(0)}


def test_a_streamer_sees_what_is_pending_available_and_under_way(office):
    office.fund_nova(8_000)
    office.request_payout(5_000)

    wallet = reading.get_wallet(office.payments, nova_the_streamer(), "USD")

    assert wallet.balances == {"pending": usd(0), "available": usd(3_000), "paying_out": usd(5_000)}


def test_a_wallets_transactions_show_only_its_own_postings(office):
    office.deposit(10_000)
    office.reserve(4_000)
    office.accrue(1_000)

    page = reading.list_transactions(office.payments, nova_the_streamer(), PageRequest(10))

    assert [posting.amount for entry in page.items for posting in entry.postings] == [usd(800)]


def test_transactions_come_newest_first_page_by_page(office):
    for minor in (1, 2, 3):
        office.deposit(minor)
        office.clock.advance(1)

    first = reading.list_transactions(office.payments, acme(), PageRequest(2))
    second = reading.list_transactions(office.payments, acme(), PageRequest(2, first.next_cursor))

    amounts = [entry.postings[0].amount.amount_minor for entry in [*first.items, *second.items]]
    assert (amounts, second.next_cursor) == ([3, 2, 1], None)


def test_another_accounts_invoice_answers_as_a_missing_one(office):
    office.deposit(10_000)
    (invoice,) = reading.list_invoices(office.payments, acme(), PageRequest(10)).items

    with pytest.raises(InvoiceNotFound):
        reading.get_invoice(office.payments, acme("brd_other"), invoice.id)


def test_a_campaigns_ledger_accounts_for_every_unit_that_was_reserved(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.accrue(5_001)
    office.release(earned=5_001)

    ledger = reading.campaign_ledger(office.payments, acme(), "cmp_1")

    assert ledger.reserved == ledger.earned_gross + ledger.returned + ledger.escrow
    assert (ledger.earned_gross, ledger.platform_fee, ledger.streamer_net) == (
        usd(5_001),
        usd(1_000),
        usd(4_001),
    )


@pytest.mark.parametrize("campaign", ["cmp_1", "cmp_missing"])
def test_another_brands_campaign_answers_as_a_missing_one(office, campaign):
    office.deposit(50_000)
    office.reserve(20_000)

    with pytest.raises(CampaignNotFound):
        reading.campaign_ledger(office.payments, acme("brd_other"), campaign)


def test_an_auditor_sees_any_campaigns_ledger(office):
    office.deposit(50_000)
    office.reserve(20_000)

    assert reading.campaign_ledger(office.payments, the_auditor(), "cmp_1").escrow == usd(20_000)


def test_only_an_auditor_verifies_the_ledger(office):
    with pytest.raises(Forbidden):
        reading.verify_ledger(office.payments, acme())


def test_without_a_token_there_is_no_wallet(office):
    with pytest.raises(Unauthenticated):
        reading.get_wallet(office.payments, ANONYMOUS, "USD")


def test_a_balance_that_is_not_the_sum_of_its_postings_is_found(office):
    office.deposit(10_000)
    account = next(a for a in office.payments.tables.balances if a.wallet == "brd_acme")
    office.payments.tables.balances[account] += 1

    report = reading.verify_ledger(office.payments, the_auditor())

    assert not report.balanced
    assert report.mismatched_accounts == ("brand_available:brd_acme:USD",)
