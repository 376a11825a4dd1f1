"""The running service, from the deposit to the payout, over the real broker, database and sandbox."""

import base64

import pytest

from chassis.errors import Error
from chassis.ids import new_id
from chassis.testing import eventually
from payment.tests.interface.conftest import usd


def code_of(call, *args) -> str:
    with pytest.raises(Error) as refused:
        call(*args)
    return refused.value.code


def test_money_goes_from_the_deposit_to_the_payout_and_the_rest_returns(world, sandbox, capture_events):
    told = capture_events("payment")

    deposit = world.deposit(50_000)
    world.reserve(20_000)
    world.accrue(5_000)
    eventually(lambda: world.holds(world.nova, "available") == 4_000)
    returned = world.release(earned=5_000)
    payout = world.ended(world.payout(4_000))

    assert (deposit["status"], payout["status"]) == ("succeeded", "paid")
    assert returned == {"returned": usd(15_000)}
    assert world.acme.wallet({})["balances"] == {"available": usd(45_000), "escrow": usd(0)}
    assert world.nova.wallet({})["balances"] == {
        "pending": usd(0),
        "available": usd(0),
        "paying_out": usd(0),
    }
    report = world.auditor.verify_ledger({})
    assert report["balanced"]
    assert report["sums"] == {"USD": 0}
    assert world.rpc("payment", user="operator").verify_books({}) == report
    ledger = world.acme.campaign_ledger({"campaign_id": world.campaign})
    assert ledger == {
        "campaign_id": world.campaign,
        "reserved": usd(20_000),
        "earned_gross": usd(5_000),
        "platform_fee": usd(1_000),
        "streamer_net": usd(4_000),
        "returned": usd(15_000),
        "escrow": usd(0),
    }
    paid = told.wait_for("payout_paid")
    assert paid.data["statement_id"] == payout["statement_id"]
    assert {event.type for event in told.all()} == {
        "deposit_succeeded",
        "budget_reserved",
        "earning_posted",
        "earnings_released",
        "budget_returned",
        "payout_requested",
        "payout_paid",
    }
    mine = [m["amount"] for m in sandbox.movements() if m["reference"] in (deposit["id"], payout["id"])]
    assert sorted(mine) == [-4_000, 50_000]


def test_documents_are_there_as_json_and_as_pdf(world):
    world.fund_nova(8_000)
    payout = world.ended(world.payout(5_000))

    receipt = world.acme.list_invoices({})["items"][0]
    pdf = world.acme.invoice_pdf({"invoice_id": receipt["id"]})
    statement = world.nova.get_invoice({"invoice_id": payout["statement_id"]})

    assert (receipt["number"], receipt["total"]) == ("REC-000001", usd(10_000))
    assert pdf["filename"] == "REC-000001.pdf"
    assert base64.b64decode(pdf["content_base64"]).startswith(b"%PDF")
    assert (statement["number"], statement["lines"][0]["amount"]) == ("PST-000001", usd(5_000))
    assert code_of(world.nova.get_invoice, {"invoice_id": receipt["id"]}) == "payment.invoice_not_found"


def test_webhooks_that_are_doubled_and_out_of_order_credit_each_deposit_once(world, sandbox):
    sandbox.behave(duplicate=True, reorder=True)

    deposits = [world.order_deposit(minor) for minor in (100, 200, 300)]
    for deposit in deposits:
        world.settled(deposit)

    assert world.holds(world.acme, "available") == 600
    assert world.auditor.verify_ledger({})["balanced"]


@pytest.mark.parametrize("fault", ["fail_next", "lose_next"])
def test_a_provider_that_fails_gets_the_same_order_again(world, sandbox, fault):
    sandbox.behave(**{fault: 1})

    deposit = world.deposit(700)

    assert deposit["status"] == "succeeded"
    assert world.holds(world.acme, "available") == 700


def test_a_failed_payment_credits_nothing(world, sandbox):
    sandbox.behave(fail_payments=True)

    deposit = world.deposit(700)

    assert (deposit["status"], deposit["failure"]) == ("failed", "card_declined")
    assert world.holds(world.acme, "available") == 0


def test_an_event_that_is_delivered_twice_is_posted_once(world):
    world.deposit(10_000)
    world.reserve(10_000)

    event_id = world.accrue(1_000)
    world.accrue(1_000, id=event_id)
    world.accrue(500, number=0)
    world.accrue(1_100, number=2)

    eventually(lambda: world.holds(world.nova, "available") == 880)
    assert world.holds(world.acme, "escrow") == 8_900


def test_a_failed_payout_makes_the_money_available_again(world, sandbox):
    world.fund_nova(8_000)
    sandbox.behave(fail_payouts=True)

    payout = world.ended(world.payout(5_000))

    assert (payout["status"], payout["failure"]) == ("failed", "account_closed")
    assert world.holds(world.nova, "available") == 8_000
    assert world.holds(world.nova, "paying_out") == 0


@pytest.mark.parametrize("fault", ["fail_next", "lose_next"])
def test_a_payout_is_paid_once_although_the_provider_fails_at_first(world, sandbox, fault):
    world.fund_nova(8_000)
    sandbox.behave(**{fault: 1})

    payout = world.ended(world.payout(5_000))

    assert payout["status"] == "paid"
    assert [m["amount"] for m in sandbox.movements() if m["reference"] == payout["id"]] == [-5_000]


def test_a_payout_whose_webhooks_never_come_is_settled_all_the_same(world, door):
    world.fund_nova(8_000)
    open_door, door.payment = door.payment, None

    payout = world.ended(world.payout(5_000))

    door.payment = open_door
    assert payout["status"] == "paid"


def test_a_payout_goes_on_in_another_process_when_its_own_has_stopped(
    world, sandbox, payment_service, start_payment
):
    world.fund_nova(8_000)
    sandbox.behave(fail_next=1_000)
    payout = world.payout(5_000)
    payment_service.stop()
    sandbox.behave(fail_next=0)

    start_payment()

    assert world.ended(payout)["status"] == "paid"
    assert [m["amount"] for m in sandbox.movements() if m["reference"] == payout["id"]] == [-5_000]


def test_without_a_verified_payout_method_nothing_is_paid_out(world, streamer_service):
    world.fund_nova(8_000)
    streamer_service.answer(
        payout_destination=lambda request: {
            **request,
            "verified": False,
            "method": None,
            "account_holder": None,
            "account_details": None,
        }
    )

    assert code_of(world.payout, 5_000) == "payment.no_payout_method"
    assert world.holds(world.nova, "available") == 8_000


def test_money_that_is_not_there_is_refused_by_name(world):
    assert code_of(world.reserve, 100) == "payment.insufficient_funds"
    assert code_of(world.payout, 1_000) == "payment.insufficient_funds"
    assert code_of(world.payout, 999) == "payment.below_minimum"


def test_the_budget_waits_for_earnings_that_are_still_on_their_way(world):
    world.deposit(10_000)
    world.reserve(10_000)

    assert code_of(world.release, 1) == "payment.earnings_outstanding"


def test_a_key_gives_one_deposit_and_only_for_one_request(world):
    first = world.order_deposit(700, key="k")

    again = world.order_deposit(700, key="k")

    assert again == first
    assert code_of(world.order_deposit, 701, "k") == "payment.idempotency_key_reused"


def test_a_forged_webhook_is_refused(world, rpc):
    request = {"provider": "sandbox", "headers": {"sandbox-signature": "t=1,v1=00"}, "body": "{}"}

    assert code_of(rpc("payment").provider_webhook, request) == "payment.bad_signature"


def test_only_campaign_moves_budgets_and_only_admins_audit(world, rpc):
    request = {
        "campaign_id": world.campaign,
        "brand_id": world.brand,
        "amount": usd(1),
        "idempotency_key": "k",
    }

    assert code_of(rpc("payment").reserve, request) == "rpc.caller_not_allowed"
    assert code_of(rpc("payment", user="notification").wallet, {}) == "rpc.caller_not_allowed"
    assert code_of(world.acme.verify_ledger, {}) == "forbidden"
    assert code_of(rpc("payment").wallet, {}) == "unauthenticated"


def test_another_accounts_things_answer_as_missing_ones(world, rpc, tokens):
    world.fund_nova(8_000)
    payout = world.payout(5_000)
    deposit = world.order_deposit(100)
    other_brand = rpc("payment", token=tokens.issue("brand", new_id("brd")))
    other_streamer = rpc("payment", token=tokens.issue("streamer", new_id("str")))

    assert code_of(other_brand.get_deposit, {"deposit_id": deposit["id"]}) == "payment.deposit_not_found"
    assert code_of(other_brand.campaign_ledger, {"campaign_id": world.campaign}) == (
        "payment.campaign_not_found"
    )
    assert code_of(other_streamer.get_payout, {"payout_id": payout["id"]}) == "payment.payout_not_found"
    assert other_brand.transactions({})["items"] == []
    assert other_streamer.list_payouts({})["items"] == []
