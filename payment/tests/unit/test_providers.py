import hashlib
import hmac
import json

import httpx
import pytest

from payment.domain.errors import (
    BadSignature,
    MalformedWebhook,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.provider import Progress, Subject
from payment.providers import Providers
from payment.providers.sandbox import SandboxProvider
from payment.providers.wire import Link
from payment.service import PaymentSettings, configured
from payment.tests.mothers import IBAN, MORNING, usd

SECRET = "whsec"
NOW = int(MORNING.timestamp())
PAID = {
    "id": "evt_1",
    "type": "payout.paid",
    "data": {
        "object": {
            "id": "po_1",
            "amount": 500,
            "currency": "USD",
            "reference": "pay_1",
            "status": "paid",
        }
    },
}


def signed(body: str, at: int = NOW, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"sandbox-signature": f"t={at},v1={digest}"}


def provider(answer=None) -> SandboxProvider:
    """`answer` stands in for the network: a response, or an exception to raise."""

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SandboxProvider(Link("http://sandbox.test", {}, transport=httpx.MockTransport(handle)), SECRET)


def test_a_signed_webhook_is_read():
    body = json.dumps(PAID)

    event = provider().read_webhook(signed(body), body, MORNING)

    assert (event.subject, event.object.reference) == (Subject.PAYOUT, "pay_1")
    assert (event.object.progress, event.object.amount) == (Progress.SUCCEEDED, usd(500))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sandbox-signature": ""},
        {"sandbox-signature": "v1=abc"},
        {"sandbox-signature": f"t={NOW},v1=é"},
        {"sandbox-signature": f"t={NOW},v1={'0' * 64}"},
        signed(json.dumps(PAID), secret="another"),
        signed(json.dumps(PAID), at=NOW - 301),
        signed(json.dumps(PAID), at=NOW + 301),
        signed(json.dumps(PAID) + " "),
    ],
)
def test_a_webhook_that_the_provider_did_not_sign_lately_is_refused(headers):
    with pytest.raises(BadSignature):
        provider().read_webhook(headers, json.dumps(PAID), MORNING)


def test_a_signature_is_good_for_five_minutes():
    body = json.dumps(PAID)

    event = provider().read_webhook(signed(body, at=NOW - 300), body, MORNING)

    assert event.id == "evt_1"


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "{}",
        json.dumps({**PAID, "id": ""}),
        json.dumps({**PAID, "data": {"object": {**PAID["data"]["object"], "amount": 5.0}}}),
        json.dumps({**PAID, "data": {"object": {**PAID["data"]["object"], "status": "odd"}}}),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(MalformedWebhook):
        provider().read_webhook(signed(body), body, MORNING)


def test_an_event_of_an_unknown_type_is_read_as_something_else():
    body = json.dumps({"id": "evt_1", "type": "charge.disputed", "data": {}})

    event = provider().read_webhook(signed(body), body, MORNING)

    assert event.subject == Subject.OTHER


@pytest.mark.parametrize("status", [400, 402, 422])
def test_a_refused_order_is_final_and_says_why(status):
    answer = httpx.Response(status, json={"error": {"message": "amount too large"}})

    with pytest.raises(ProviderRefused, match="amount too large"):
        provider(answer).create_payment("dep_1", usd(500))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(401),
        httpx.Response(409),
        httpx.Response(429),
        httpx.Response(201, text="<html>"),
        httpx.Response(201, json={"id": "po_1"}),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("down"),
    ],
)
def test_whatever_says_nothing_clear_is_taken_for_no_answer(answer):
    with pytest.raises(ProviderUnavailable):
        provider(answer).create_payout("pay_1", usd(500), IBAN)


def test_a_payment_that_the_provider_does_not_know_is_not_taken_for_a_failed_one():
    with pytest.raises(ProviderUnavailable):
        provider(httpx.Response(404)).find_payment("pi_1")


@pytest.mark.parametrize(
    "some",
    [
        {},
        {"STRIPE_SECRET_KEY": "sk_test_1"},
        {"STRIPE_WEBHOOK_SECRET": "whsec"},
        {"PAYPAL_CLIENT_ID": "a", "PAYPAL_CLIENT_SECRET": "b"},
    ],
)
def test_without_all_of_its_keys_no_provider_is_there(some):
    """Without the secret of its webhooks anybody could sign them."""
    assert configured(PaymentSettings.from_environ(some)) == {}


def test_keys_in_the_environment_are_all_that_a_provider_needs():
    keys = {
        "STRIPE_SECRET_KEY": "sk_live_1",
        "STRIPE_WEBHOOK_SECRET": "whsec",
        "PAYPAL_CLIENT_ID": "a",
        "PAYPAL_CLIENT_SECRET": "b",
        "PAYPAL_WEBHOOK_ID": "c",
    }

    assert set(configured(PaymentSettings.from_environ(keys))) == {"stripe", "paypal"}


def test_a_provider_without_keys_is_not_configured():
    with pytest.raises(ProviderNotConfigured):
        Providers({}).named("stripe")
