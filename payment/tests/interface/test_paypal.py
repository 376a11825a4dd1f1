"""The running service with PayPal's stand-in: an order approved, captured and taken back, and a payout."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import Error
from chassis.testing import eventually
from chassis.times import rfc3339
from payment.tests.interface.conftest import DETAILS, usd


def differences(world) -> dict[str, dict]:
    now = datetime.now(UTC) + timedelta(seconds=1)
    request = {"provider": "paypal", "since": rfc3339(now - timedelta(minutes=5)), "until": rfc3339(now)}
    return {each["reference"]: each for each in world.auditor.reconcile(request)["differences"]}


def capture_of(door, deposit) -> str:
    mine = [each.body for each in door.received if deposit["id"] in each.body]
    captured = next(body for body in mine if "PAYMENT.CAPTURE.COMPLETED" in body)
    return captured.partition('"resource":{')[2].partition('"id":"')[2].partition('"')[0]


def test_an_approved_order_is_captured_credited_once_and_taken_back(world, paypal, door):
    paypal.behave(duplicate=True, reorder=True)

    deposit = world.order_deposit(50_000, at="paypal")
    assert deposit["approve_url"].startswith(f"{paypal.url}/checkoutnow?token=")
    settled = world.settled(deposit)

    assert (settled["status"], settled["approve_url"]) == ("succeeded", None)
    assert world.holds(world.acme, "available") == 50_000
    capture = eventually(lambda: capture_of(door, deposit), deadline=10)
    paypal.happens("refunds", capture=capture, amount=20_000)
    eventually(lambda: world.holds(world.acme, "available") == 30_000, deadline=10)
    dispute = paypal.happens("disputes", capture=capture, amount=30_000)
    eventually(lambda: world.holds(world.acme, "available") == 0, deadline=10)
    paypal.happens(f"disputes/{dispute['id']}", status="won")
    eventually(lambda: world.holds(world.acme, "available") == 30_000, deadline=10)
    assert deposit["id"] not in differences(world)
    assert world.auditor.verify_ledger({})["balanced"]


def test_a_streamer_with_a_paypal_account_is_paid_there_once(world, paypal, streamer_service):
    details = {"method": "paypal", "account_details": DETAILS["paypal"]}
    streamer_service.answer(
        payout_destination=lambda request: {**request, "verified": True, "account_holder": "Nova", **details}
    )
    world.fund_nova(8_000)
    paypal.behave(lose_next=1)

    payout = world.ended(world.payout(5_000))

    assert payout["status"] == "paid"
    assert payout["id"] not in differences(world)


def test_a_webhook_that_paypal_did_not_sign_is_refused(world, rpc, door, paypal):
    deposit = world.order_deposit(700, at="paypal")
    world.settled(deposit)
    genuine = next(each for each in door.received if "PAYMENT.CAPTURE.COMPLETED" in each.body)
    receive = rpc("payment").provider_webhook

    elsewhere = {"paypal-cert-url": "https://evil.test/v1/notifications/certs/CERT-1"}
    for forged in (
        {**genuine.request, "body": genuine.body.replace("dep_", "dep-")},
        {**genuine.request, "headers": {**genuine.headers, **elsewhere}},
        {**genuine.request, "headers": {}},
    ):
        with pytest.raises(Error) as refused:
            receive(forged)
        assert refused.value.code == "payment.bad_signature"
    assert receive(genuine.request) == {"received": True}
    assert world.acme.wallet({})["balances"]["available"] == usd(700)
