"""The running service with Stripe's stand-in: what comes, goes and is taken back, and what is forged."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import Error
from chassis.ids import new_id
from chassis.testing import eventually
from chassis.times import rfc3339
from payment.tests.interface.conftest import DETAILS, STRIPE_WEBHOOK_SECRET, usd


def code_of(call, *args) -> str:
    with pytest.raises(Error) as refused:
        call(*args)
    return refused.value.code


def paid(deposit, **changes) -> str:
    """What Stripe would send, had somebody paid this deposit."""
    intent = {
        "id": "pi_forged",
        "object": "payment_intent",
        "amount": deposit["amount"]["amount_minor"],
        "amount_received": deposit["amount"]["amount_minor"],
        "currency": "usd",
        "latest_charge": "ch_forged",
        "livemode": False,
        "metadata": {"reference": deposit["id"]},
        "status": "succeeded",
    }
    event = {"id": new_id("evt"), "type": "payment_intent.succeeded", "livemode": False}
    return json.dumps({**event, "data": {"object": {**intent, **changes}}})


def signed(body: str, *, age: int = 0, secret: str = STRIPE_WEBHOOK_SECRET) -> dict[str, object]:
    at = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"provider": "stripe", "headers": {"stripe-signature": f"t={at},v1={digest}"}, "body": body}


def differences(world, provider: str) -> list[dict]:
    now = datetime.now(UTC)
    request = {"provider": provider, "since": rfc3339(now - timedelta(minutes=5)), "until": rfc3339(now)}
    return world.auditor.reconcile(request)["differences"]


def test_a_deposit_is_opened_with_a_client_secret_and_credited_once(world, stripe):
    stripe.behave(duplicate=True, reorder=True)

    deposit = world.order_deposit(50_000, at="stripe")

    assert deposit["client_secret"].startswith("pi_")
    settled = world.settled(deposit)
    assert (settled["status"], settled["client_secret"]) == ("succeeded", None)
    assert world.holds(world.acme, "available") == 50_000
    assert world.auditor.verify_ledger({})["balanced"]


def test_refund_and_dispute_take_the_money_back_and_a_dispute_that_is_won_returns_it(world, stripe, door):
    deposit = world.deposit(50_000, at="stripe")
    intent = next(
        json.loads(each.body)["data"]["object"]["id"]
        for each in reversed(door.received)
        if deposit["id"] in each.body
    )

    stripe.happens("refunds", payment_intent=intent, amount=20_000)
    eventually(lambda: world.holds(world.acme, "available") == 30_000)
    dispute = stripe.happens("disputes", payment_intent=intent, amount=30_000)
    eventually(lambda: world.holds(world.acme, "available") == 0)
    stripe.happens(f"disputes/{dispute['id']}", status="won")
    eventually(lambda: world.holds(world.acme, "available") == 30_000)

    assert world.acme.get_deposit({"deposit_id": deposit["id"]})["reversed"] == usd(20_000)
    assert not [each for each in differences(world, "stripe") if each["reference"] == deposit["id"]]


def test_a_streamer_with_a_stripe_account_is_paid_there_once(world, stripe, streamer_service):
    pays_to(streamer_service, "stripe")
    world.fund_nova(8_000)
    stripe.behave(lose_next=1)

    payout = world.ended(world.payout(5_000))

    assert payout["status"] == "paid"
    assert not [each for each in differences(world, "stripe") if each["reference"] == payout["id"]]


def test_a_transfer_that_stripe_refuses_makes_the_money_available_again(world, stripe, streamer_service):
    pays_to(streamer_service, "stripe")
    world.fund_nova(8_000)
    stripe.behave(fail_payouts=True)

    payout = world.ended(world.payout(5_000))

    assert (payout["status"], payout["failure"]) == ("failed", "No such destination")
    assert world.holds(world.nova, "available") == 8_000


def test_what_stripe_did_not_send_lately_is_refused_and_what_it_repeats_changes_nothing(world, rpc):
    deposit = world.order_deposit(700, at="stripe")
    world.settled(deposit)
    receive = rpc("payment").provider_webhook
    body = paid(deposit)

    assert code_of(receive, signed(body, secret="whsec_wrong")) == "payment.bad_signature"
    assert code_of(receive, signed(body, age=301)) == "payment.bad_signature"
    assert code_of(receive, {**signed(body), "body": body + " "}) == "payment.bad_signature"
    assert code_of(receive, signed("[]")) == "payment.malformed_webhook"
    assert receive(signed(json.dumps({"id": "evt_1", "type": "plan.created", "livemode": False, "data": {}})))
    assert world.holds(world.acme, "available") == 700


def test_a_webhook_about_other_money_is_taken_and_listed_and_credits_nothing(world, rpc, stripe):
    stripe.behave(delay_seconds=60)
    deposit = world.order_deposit(700, at="stripe")
    receive = rpc("payment").provider_webhook

    receive(signed(paid(deposit, amount_received=701)))
    receive(signed(paid(deposit, currency="eur")))
    receive(signed(paid(deposit).replace('"livemode": false', '"livemode": true')))

    assert world.unless_pending(deposit["id"]) is None
    notes = [each["note"] for each in differences(world, "stripe") if each["difference"] == "contradiction"]
    assert len(notes) == 3


def pays_to(streamer_service, method: str) -> None:
    details = {"method": method, "account_details": DETAILS[method]}
    streamer_service.answer(
        payout_destination=lambda request: {
            **request,
            "verified": True,
            "account_holder": "Nova",
            **details,
        }
    )
