"""Stripe's adapter against recorded shapes: what is sent, and what is made of what comes back."""

import hashlib
import hmac
import json
from urllib.parse import parse_qsl

import httpx
import pytest

from chassis.money import Money
from payment.domain.errors import BadSignature, MalformedWebhook, ProviderRefused, ProviderUnavailable
from payment.domain.provider import Checkout, Destination, Progress, Subject
from payment.domain.reversal import ReversalKind, ReversalStage
from payment.providers.stripe import API_VERSION, StripeProvider
from payment.providers.wire import FAILURES_BEFORE_REST, REST_SECONDS, Link
from payment.tests.mothers import IBAN, MORNING, usd

SECRET = "whsec_new"
NOW = int(MORNING.timestamp())
NOVA = Destination("stripe", "Nova", "acct_1MTfjCQ9PRzxEwkZ")
INTENT = {
    "id": "pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "object": "payment_intent",
    "amount": 2000,
    "amount_received": 0,
    "cancellation_reason": None,
    "client_secret": "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "currency": "usd",
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "metadata": {"reference": "dep_1"},
    "status": "requires_payment_method",
}
PAID = {
    **INTENT,
    "amount_received": 2000,
    "latest_charge": "ch_3MtwBwLkdIwHu7ix2",
    "status": "succeeded",
}
TRANSFER = {
    "id": "tr_1MiN3gLkdIwHu7ixNCZvFdgA",
    "object": "transfer",
    "amount": 400,
    "amount_reversed": 0,
    "currency": "usd",
    "destination": "acct_1MTfjCQ9PRzxEwkZ",
    "livemode": False,
    "metadata": {"reference": "pay_1"},
    "reversed": False,
    "transfer_group": "pay_1",
}
CHARGE = {
    "id": "ch_3MtwBwLkdIwHu7ix2",
    "object": "charge",
    "amount": 2000,
    "amount_refunded": 500,
    "currency": "usd",
    "payment_intent": INTENT["id"],
}
DISPUTE = {
    "id": "du_1MtJUT2eZvKYlo2CNaw2HvEv",
    "object": "dispute",
    "amount": 2000,
    "charge": "ch_3MtwBwLkdIwHu7ix2",
    "currency": "usd",
    "payment_intent": INTENT["id"],
    "reason": "fraudulent",
    "status": "needs_response",
}
NONE_YET = httpx.Response(200, json={"object": "list", "data": [], "has_more": False})


def error(status: int, type: str, message: str = "no") -> httpx.Response:
    return httpx.Response(status, json={"error": {"type": type, "message": message}})


class Recorded:
    """Answers in their order, and the requests that got them."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def form(self, index: int = -1) -> dict[str, str]:
        return dict(parse_qsl(self.requests[index].content.decode()))


def stripe(*answers, live: bool = False, secrets: str = SECRET):
    recorded = Recorded(*(answers or ({},)))
    headers = {"Authorization": "Bearer sk_test_1", "Stripe-Version": API_VERSION}
    link = Link("https://api.stripe.test", headers, transport=httpx.MockTransport(recorded))
    return StripeProvider(link, secrets, live=live), recorded


def signed(body: str, at: int = NOW, *secrets: str) -> dict[str, str]:
    """As the documentation says it, and as Stripe's own libraries do."""
    given = [
        hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        for secret in secrets or (SECRET,)
    ]
    return {"stripe-signature": ",".join([f"t={at}", *(f"v1={one}" for one in given), "v0=6ffbb59b"])}


def event(type: str, subject, **changes) -> str:
    return json.dumps(
        {"id": "evt_1", "type": type, "livemode": False, "data": {"object": subject}, **changes}
    )


def read(type: str, subject, **changes):
    body = event(type, subject, **changes)
    return stripe()[0].read_webhook(signed(body), body, MORNING)


def test_a_payment_is_ordered_by_a_form_under_our_key():
    provider, recorded = stripe(INTENT)

    ordered = provider.create_payment("dep_1", usd(2000))

    request = recorded.requests[0]
    assert (request.method, request.url.path) == ("POST", "/v1/payment_intents")
    assert request.headers["authorization"] == "Bearer sk_test_1"
    assert request.headers["idempotency-key"] == "dep_1"
    assert request.headers["stripe-version"] == API_VERSION
    assert recorded.form() == {
        "amount": "2000",
        "currency": "usd",
        "automatic_payment_methods[enabled]": "true",
        "metadata[reference]": "dep_1",
    }
    assert (ordered.id, ordered.progress) == (INTENT["id"], Progress.PROCESSING)
    assert ordered.checkout == Checkout(client_secret=INTENT["client_secret"])


def test_what_opens_the_payment_is_not_printed():
    provider, _ = stripe(INTENT)

    assert "secret" not in repr(provider.create_payment("dep_1", usd(2000)))


def test_what_was_received_counts_and_not_what_was_asked_for():
    provider, _ = stripe({**PAID, "amount_received": 1999})

    assert provider.find_payment("pi_1").amount == usd(1999)


def test_yen_have_no_minor_unit():
    provider, recorded = stripe({**INTENT, "currency": "jpy"})

    assert provider.create_payment("dep_1", Money(2000, "JPY")).amount == Money(2000, "JPY")
    assert (recorded.form()["amount"], recorded.form()["currency"]) == ("2000", "jpy")


def test_a_payout_is_a_transfer_to_the_connected_account():
    provider, recorded = stripe(NONE_YET, TRANSFER)

    paid = provider.create_payout("pay_1", usd(400), NOVA)

    assert recorded.requests[0].url.params["transfer_group"] == "pay_1"
    assert recorded.requests[1].headers["idempotency-key"] == "pay_1"
    assert recorded.form()["destination"] == "acct_1MTfjCQ9PRzxEwkZ"
    assert (paid.progress, paid.destination) == (Progress.SUCCEEDED, NOVA.masked)


def test_a_transfer_that_exists_is_not_made_again_when_stripe_has_forgotten_the_key():
    provider, recorded = stripe(httpx.Response(200, json={"data": [TRANSFER]}))

    paid = provider.create_payout("pay_1", usd(400), NOVA)

    assert paid.id == TRANSFER["id"]
    assert [request.method for request in recorded.requests] == ["GET"]


def test_an_iban_is_not_given_to_stripe():
    provider, recorded = stripe(TRANSFER)

    with pytest.raises(ProviderRefused):
        provider.create_payout("pay_1", usd(400), IBAN)

    assert recorded.requests == []


@pytest.mark.parametrize("answer", [error(400, "invalid_request_error"), error(402, "card_error")])
def test_a_refused_order_is_final(answer):
    provider, _ = stripe(NONE_YET, answer)

    with pytest.raises(ProviderRefused, match="no"):
        provider.create_payout("pay_1", usd(400), NOVA)


@pytest.mark.parametrize(
    "answer",
    [
        error(400, "idempotency_error"),
        error(401, "invalid_request_error"),
        error(409, "idempotency_error"),
        error(429, "invalid_request_error"),
        error(500, "api_error"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        {**TRANSFER, "amount": "400"},
        {**TRANSFER, "metadata": {}},
        {**TRANSFER, "livemode": True},
        httpx.ReadTimeout("slow"),
    ],
)
def test_whatever_says_nothing_clear_is_taken_for_no_answer(answer):
    provider, _ = stripe(NONE_YET, answer)

    with pytest.raises(ProviderUnavailable):
        provider.create_payout("pay_1", usd(400), NOVA)


def test_a_provider_that_does_not_answer_is_left_alone_for_a_while():
    clock = [0.0]
    recorded = Recorded(httpx.ConnectError("down"))
    transport = httpx.MockTransport(recorded)
    provider = StripeProvider(
        Link("https://api.stripe.test", {}, transport=transport, monotonic=lambda: clock[0]), "s", live=False
    )
    for _ in range(FAILURES_BEFORE_REST + 3):
        with pytest.raises(ProviderUnavailable):
            provider.find_payment("pi_1")
    assert len(recorded.requests) == FAILURES_BEFORE_REST

    clock[0] += REST_SECONDS
    recorded.answers = [INTENT]

    assert provider.find_payment("pi_1").id == INTENT["id"]


def test_a_payment_that_succeeded_is_read_with_its_charge():
    told = read("payment_intent.succeeded", PAID)

    assert (told.subject, told.object.progress, told.objection) == (
        Subject.PAYMENT,
        Progress.SUCCEEDED,
        None,
    )
    assert (told.object.amount, told.object.payment_id) == (usd(2000), PAID["latest_charge"])


def test_a_payment_that_failed_says_why():
    failed = {**INTENT, "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}}

    told = read("payment_intent.payment_failed", failed)

    assert (told.object.progress, told.object.failure) == (Progress.FAILED, "insufficient_funds")


@pytest.mark.parametrize(
    ("reversed_there", "progress"), [(False, Progress.SUCCEEDED), (True, Progress.FAILED)]
)
def test_transfers_are_read_as_payouts(reversed_there, progress):
    told = read("transfer.created", {**TRANSFER, "reversed": reversed_there})

    assert (told.subject, told.object.reference, told.object.progress) == (
        Subject.PAYOUT,
        "pay_1",
        progress,
    )


def test_a_charges_refunds_are_one_reversal_that_grows():
    told = read("charge.refunded", CHARGE).object

    assert (told.kind, told.payment, told.amount) == (ReversalKind.REFUND, INTENT["id"], usd(500))
    assert read("charge.refunded", {**CHARGE, "amount_refunded": 2000}).object.id == told.id


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("needs_response", ReversalStage.OPEN),
        ("under_review", ReversalStage.OPEN),
        ("won", ReversalStage.DROPPED),
        ("lost", ReversalStage.FINAL),
    ],
)
def test_a_dispute_is_read_with_its_reason(status, stage):
    told = read("charge.dispute.closed", {**DISPUTE, "status": status}).object

    assert (told.id, told.stage, told.reason) == (DISPUTE["id"], stage, "fraudulent")


@pytest.mark.parametrize(
    ("type", "subject"),
    [
        ("customer.created", {"id": "cus_1"}),
        ("payment_intent.succeeded", {**PAID, "metadata": {}}),
        ("charge.dispute.created", {**DISPUTE, "status": "warning_needs_response"}),
        ("charge.refunded", {**CHARGE, "payment_intent": None}),
    ],
)
def test_what_is_not_ours_or_moves_no_money_is_something_else(type, subject):
    assert read(type, subject).subject == Subject.OTHER


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"livemode": True}, "it is about live money"),
        ({"account": "acct_other"}, "it is about another account, acct_other"),
    ],
)
def test_an_event_of_another_mode_or_account_is_objected_to(changes, objection):
    assert read("payment_intent.succeeded", PAID, **changes).objection == objection


@pytest.mark.parametrize("secrets", [(SECRET, "whsec_old"), ("whsec_old", SECRET)])
def test_one_of_several_signatures_is_enough_while_a_secret_is_rolled(secrets):
    body = event("payment_intent.succeeded", PAID)

    told = stripe()[0].read_webhook(signed(body, NOW, *secrets), body, MORNING)

    assert told.id == "evt_1"


def test_both_secrets_are_good_while_they_are_rolled():
    body = event("payment_intent.succeeded", PAID)
    provider, _ = stripe(secrets="whsec_newer, whsec_new")

    assert provider.read_webhook(signed(body), body, MORNING).id == "evt_1"


def test_a_signature_is_good_for_five_minutes():
    body = event("payment_intent.succeeded", PAID)

    assert stripe()[0].read_webhook(signed(body, NOW - 300), body, MORNING).id == "evt_1"


BODY = event("payment_intent.succeeded", PAID)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"stripe-signature": "t=,v1="},
        {"stripe-signature": signed(BODY)["stripe-signature"].replace("v1=", "v0=")},
        {"stripe-signature": "v1=" + "0" * 64},
        signed(BODY, NOW, "whsec_wrong"),
        signed(BODY, NOW - 301),
        signed(BODY, NOW + 301),
        signed(BODY + " "),
        {"sandbox-signature": signed(BODY)["stripe-signature"]},
    ],
)
def test_a_webhook_that_stripe_did_not_sign_lately_is_refused(headers):
    with pytest.raises(BadSignature):
        stripe()[0].read_webhook(headers, BODY, MORNING)


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        "{}",
        event("payment_intent.succeeded", None),
        event("payment_intent.succeeded", {**PAID, "amount_received": 20.5}),
        json.dumps({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": PAID}}),
    ],
)
def test_a_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(MalformedWebhook):
        stripe()[0].read_webhook(signed(body), body, MORNING)
