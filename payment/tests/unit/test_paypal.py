"""PayPal's adapter against recorded shapes, and its webhooks' signature under certificates good and bad."""

import base64
import json
import zlib
from datetime import timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chassis.times import rfc3339
from payment.domain.errors import BadSignature, MalformedWebhook, ProviderRefused, ProviderUnavailable
from payment.domain.provider import Checkout, Destination, Progress, Subject
from payment.domain.reconciliation import MovementKind
from payment.domain.reversal import ReversalKind, ReversalStage
from payment.providers.paypal import Api, PayPalProvider
from payment.providers.paypal_signature import Certificates, places_of, subject_of
from payment.providers.wire import Link
from payment.tests.mothers import IBAN, MORNING, usd

URL = "https://api-m.paypal.com"
WEBHOOK_ID = "1JE4291016473214C"
PLACE = "https://api.paypal.com/v1/notifications/certs/"
NOVA = Destination("paypal", "Nova", "nova@example.com")
TOKEN = {"access_token": "A21AAF", "token_type": "Bearer", "expires_in": 32400}
ORDER = {
    "id": "5O190127TN364715T",
    "status": "PAYER_ACTION_REQUIRED",
    "purchase_units": [{"custom_id": "dep_1", "amount": {"currency_code": "USD", "value": "20.00"}}],
    "links": [
        {"rel": "self", "href": f"{URL}/v2/checkout/orders/5O190127TN364715T"},
        {"rel": "payer-action", "href": "https://www.paypal.com/checkoutnow?token=5O190127TN364715T"},
    ],
}
CAPTURE = {
    "id": "3C679366HH908993F",
    "status": "COMPLETED",
    "amount": {"currency_code": "USD", "value": "20.00"},
    "custom_id": "dep_1",
    "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
}
COMPLETED = {
    "id": "5O190127TN364715T",
    "status": "COMPLETED",
    "purchase_units": [{"reference_id": "default", "payments": {"captures": [CAPTURE]}}],
}
HEADER = {
    "payout_batch_id": "5FNCS4PRQYB3E",
    "batch_status": "PENDING",
    "sender_batch_header": {"sender_batch_id": "pay_1"},
    "amount": {"currency": "USD", "value": "4.00"},
}
ITEM = {
    "payout_item_id": "8AELMXH8UB2P8",
    "transaction_status": "SUCCESS",
    "payout_batch_id": "5FNCS4PRQYB3E",
    "payout_item": {
        "receiver": "nova@example.com",
        "sender_item_id": "pay_1",
        "amount": {"currency": "USD", "value": "4.00"},
    },
}
REFUND = {
    "id": "55105082X5896632E",
    "amount": {"currency_code": "USD", "value": "5.00"},
    "note_to_payer": "Defective product",
    "status": "COMPLETED",
    "links": [{"rel": "up", "href": f"{URL}/v2/payments/captures/{CAPTURE['id']}"}],
}
DISPUTE = {
    "dispute_id": "PP-000-042-663-135",
    "disputed_transactions": [{"seller_transaction_id": CAPTURE["id"]}],
    "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "dispute_amount": {"currency_code": "USD", "value": "3.00"},
    "status": "OPEN",
}


class Recorded:
    """Gives tokens, and otherwise its answers in their order."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.tokens = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth2/token":
            self.tokens += 1
            return httpx.Response(200, json=TOKEN)
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def body(self, index: int = -1) -> dict:
        return json.loads(self.requests[index].content)


def paypal(*answers, clock=None):
    recorded = Recorded(*answers)
    link = Link(URL, {}, transport=httpx.MockTransport(recorded))
    api = Api(link, "client", "secret", monotonic=lambda: clock[0] if clock else 0.0)
    return PayPalProvider(api, None, WEBHOOK_ID, "https://front.test/wallet"), recorded


def problem(status: int, name: str, **more) -> httpx.Response:
    return httpx.Response(status, json={"name": name, "message": "no", **more})


def test_a_payment_is_an_order_that_the_payer_approves():
    provider, recorded = paypal(ORDER)

    ordered = provider.create_payment("dep_1", usd(2000))

    request, body = recorded.requests[0], recorded.body()
    assert request.headers["paypal-request-id"] == "dep_1"
    assert request.headers["authorization"] == "Bearer A21AAF"
    assert body["intent"] == "CAPTURE"
    assert body["purchase_units"] == [
        {"custom_id": "dep_1", "amount": {"currency_code": "USD", "value": "20.00"}}
    ]
    assert ordered.checkout == Checkout(
        approve_url="https://www.paypal.com/checkoutnow?token=5O190127TN364715T"
    )
    assert (ordered.id, ordered.progress) == ("5O190127TN364715T", Progress.PROCESSING)


def test_what_the_payer_approved_is_captured_once():
    provider, recorded = paypal({**ORDER, "status": "APPROVED"}, httpx.Response(201, json=COMPLETED))

    found = provider.find_payment("5O190127TN364715T")

    assert (recorded.requests[1].method, recorded.requests[1].url.path) == (
        "POST",
        "/v2/checkout/orders/5O190127TN364715T/capture",
    )
    assert recorded.requests[1].headers["paypal-request-id"] == "capture-dep_1"
    assert (found.progress, found.payment_id, found.amount) == (
        Progress.SUCCEEDED,
        CAPTURE["id"],
        usd(2000),
    )


def test_a_capture_that_the_payer_has_to_mend_is_still_on_its_way():
    provider, _ = paypal({**ORDER, "status": "APPROVED"}, problem(422, "UNPROCESSABLE_ENTITY"))

    assert provider.find_payment("5O190127TN364715T").progress == Progress.PROCESSING


def test_an_order_that_paypal_has_forgotten_has_expired():
    provider, _ = paypal(problem(404, "RESOURCE_NOT_FOUND"))

    with pytest.raises(ProviderRefused, match="expired"):
        provider.find_payment("5O190127TN364715T")


def test_a_token_is_kept_until_shortly_before_its_end():
    clock = [0.0]
    provider, recorded = paypal(ORDER, clock=clock)

    for at in (0, 1, 32_339):
        clock[0] = at
        provider.find_payment("x")
    assert recorded.tokens == 1

    clock[0] = 32_341
    provider.find_payment("x")
    assert recorded.tokens == 2


def test_a_token_that_is_refused_is_replaced_once():
    provider, recorded = paypal(problem(401, "invalid_token"), ORDER)

    assert provider.find_payment("x").id == ORDER["id"]
    assert recorded.tokens == 2


def test_a_payout_is_a_batch_of_one():
    provider, recorded = paypal(httpx.Response(201, json={"batch_header": HEADER}))

    ordered = provider.create_payout("pay_1", usd(400), NOVA)

    assert recorded.requests[0].headers["paypal-request-id"] == "pay_1"
    assert recorded.body() == {
        "sender_batch_header": {"sender_batch_id": "pay_1"},
        "items": [
            {
                "recipient_type": "EMAIL",
                "receiver": "nova@example.com",
                "amount": {"currency": "USD", "value": "4.00"},
                "sender_item_id": "pay_1",
            }
        ],
    }
    assert (ordered.id, ordered.progress) == ("5FNCS4PRQYB3E", Progress.PROCESSING)


def test_a_batch_that_was_made_before_is_found_by_the_link_in_the_refusal():
    links = [{"rel": "self", "href": f"{URL}/v1/payments/payouts/5FNCS4PRQYB3E"}]
    provider, _ = paypal(
        problem(400, "USER_BUSINESS_ERROR", links=links), {"batch_header": HEADER, "items": [ITEM]}
    )

    found = provider.create_payout("pay_1", usd(400), NOVA)

    assert (found.id, found.progress, found.destination) == (
        "5FNCS4PRQYB3E",
        Progress.SUCCEEDED,
        NOVA.masked,
    )


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("SUCCESS", Progress.SUCCEEDED),
        ("PENDING", Progress.PROCESSING),
        ("UNCLAIMED", Progress.PROCESSING),
        ("ONHOLD", Progress.PROCESSING),
        ("FAILED", Progress.FAILED),
        ("RETURNED", Progress.FAILED),
        ("BLOCKED", Progress.FAILED),
    ],
)
def test_an_items_status_is_the_payouts_progress(status, progress):
    provider, _ = paypal({"batch_header": HEADER, "items": [{**ITEM, "transaction_status": status}]})

    assert provider.find_payout("5FNCS4PRQYB3E").progress == progress


def test_a_batch_that_was_denied_has_failed():
    provider, _ = paypal({"batch_header": {**HEADER, "batch_status": "DENIED"}})

    assert provider.find_payout("5FNCS4PRQYB3E").progress == Progress.FAILED


def test_an_iban_is_not_given_to_paypal():
    with pytest.raises(ProviderRefused):
        paypal(ORDER)[0].create_payout("pay_1", usd(400), IBAN)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_order_is_final(status):
    with pytest.raises(ProviderRefused, match="no"):
        paypal(problem(status, "INSUFFICIENT_FUNDS"))[0].create_payout("pay_1", usd(400), NOVA)


@pytest.mark.parametrize(
    "answer",
    [
        problem(401, "invalid_client"),
        problem(403, "NOT_AUTHORIZED"),
        problem(409, "PREVIOUS_REQUEST_IN_PROGRESS"),
        problem(429, "RATE_LIMIT_REACHED"),
        problem(503, "SERVICE_UNAVAILABLE"),
        httpx.Response(201, text="<html>"),
        {**ORDER, "purchase_units": [{**ORDER["purchase_units"][0], "custom_id": None}]},
        {
            **ORDER,
            "purchase_units": [{"custom_id": "dep_1", "amount": {"currency_code": "EUR", "value": "20.00"}}],
        },
    ],
)
def test_whatever_says_nothing_clear_is_taken_for_no_answer(answer):
    with pytest.raises(ProviderUnavailable):
        paypal(answer)[0].create_payment("dep_1", usd(2000))


def test_what_moved_is_read_by_its_code():
    def info(code: str, value: str, **more):
        return {
            "transaction_info": {
                "transaction_id": f"T{code}",
                "transaction_event_code": code,
                "transaction_initiation_date": "2026-11-23T09:00:00+0000",
                "transaction_amount": {"currency_code": "USD", "value": value},
                "transaction_status": "S",
                **more,
            }
        }

    details = [
        info("T0006", "20.00", custom_field="dep_1"),
        info("T0001", "-4.00", custom_field="pay_1"),
        info("T1107", "-5.00", paypal_reference_id=CAPTURE["id"], custom_field="dep_1"),
        info("T0006", "9.00", transaction_status="P"),
        info("T0403", "-100.00"),
    ]
    provider, _ = paypal({"transaction_details": details, "total_pages": 1})

    found = list(provider.movements(MORNING - timedelta(days=1), MORNING + timedelta(days=1)))

    assert [(m.kind, m.amount, m.reference, m.payment) for m in found] == [
        (MovementKind.DEPOSIT, usd(2000), "dep_1", "TT0006"),
        (MovementKind.PAYOUT, usd(-400), "pay_1", None),
        (MovementKind.REVERSAL, usd(-500), None, CAPTURE["id"]),
    ]


class Office:
    """An authority, and certificates that it signs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority")])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = (
            begun(self.name, self.name, self.key.public_key())
            .add_extension(basic, critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .sign(self.key, SHA256())
        )

    def issue(self, name: str, key, until=MORNING + timedelta(days=30)) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = (
            begun(subject, self.name, key.public_key(), until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, SHA256())
        )
        return made.public_bytes(Encoding.PEM)


def begun(subject, issuer, key, until=MORNING + timedelta(days=30)):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(MORNING - timedelta(days=30))
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


AUTHORITY = Office()
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
MESSAGES = "messageverificationcerts.paypal.com"
LEAF = AUTHORITY.issue(MESSAGES, KEY)


def reader(content: bytes = LEAF, status: int = 200):
    """The adapter, and the addresses from which it fetched."""
    fetched: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        fetched.append(str(request.url))
        return httpx.Response(status, content=content)

    certificates = Certificates(
        places_of(URL), subject_of(URL), lambda: [AUTHORITY.certificate], httpx.MockTransport(handle)
    )
    return PayPalProvider(None, certificates, WEBHOOK_ID, ""), fetched


def event(kind: str, resource) -> str:
    return json.dumps({"id": "WH-1", "event_type": kind, "resource": resource})


def signed(body: str, *, at=MORNING, webhook_id=WEBHOOK_ID, key=KEY, **changes) -> dict[str, str]:
    """As PayPal's documentation says it."""
    sent, name = rfc3339(at), "69cd13f0-d67a-11e5-baa3-778b53f4ae55"
    message = f"{name}|{sent}|{webhook_id}|{zlib.crc32(body.encode())}".encode()
    return {
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": f"{PLACE}CERT-360caa42-fca2a594-a5cafa77",
        "paypal-transmission-id": name,
        "paypal-transmission-time": sent,
        "paypal-transmission-sig": base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode(),
        **changes,
    }


BODY = event("PAYMENT.CAPTURE.COMPLETED", CAPTURE)


def read(kind: str, resource):
    body = event(kind, resource)
    return reader()[0].read_webhook(signed(body), body, MORNING)


def test_a_signed_webhook_is_read_and_its_certificate_fetched_once():
    provider, fetched = reader()

    for _ in range(2):
        told = provider.read_webhook(signed(BODY), BODY, MORNING)

    assert (told.subject, told.object.reference, told.object.progress) == (
        Subject.PAYMENT,
        "dep_1",
        Progress.SUCCEEDED,
    )
    assert (told.object.id, told.object.payment_id) == (ORDER["id"], CAPTURE["id"])
    assert len(fetched) == 1


OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY + " "),
        signed(BODY, key=OTHER_KEY),
        signed(BODY, webhook_id="another"),
        signed(BODY, at=MORNING - timedelta(days=5)),
        signed(BODY, at=MORNING + timedelta(minutes=6)),
        signed(BODY, **{"paypal-transmission-time": "yesterday"}),
        signed(BODY, **{"paypal-transmission-sig": "é"}),
        signed(BODY, **{"paypal-auth-algo": "SHA1withRSA"}),
    ],
)
def test_a_webhook_that_paypal_did_not_sign_for_us_is_refused(headers):
    with pytest.raises(BadSignature):
        reader()[0].read_webhook(headers, BODY, MORNING)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://evil.test/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        f"{PLACE}../../../evil",
        f"{PLACE}CERT-1?to=https://evil.test",
        f"{PLACE}CERT-1#x",
        f"{PLACE}%2e%2e",
        PLACE,
    ],
)
def test_a_certificate_that_lies_elsewhere_is_not_even_fetched(url):
    provider, fetched = reader()

    with pytest.raises(BadSignature):
        provider.read_webhook(signed(BODY, **{"paypal-cert-url": url}), BODY, MORNING)

    assert fetched == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a certificate",
        b"x" * 100_000,
        AUTHORITY.issue("www.paypal.com", KEY),
        AUTHORITY.issue("messageverificationcerts.sandbox.paypal.com", KEY),
        AUTHORITY.issue(MESSAGES, KEY, until=MORNING - timedelta(days=1)),
        AUTHORITY.issue(MESSAGES, ec.generate_private_key(ec.SECP256R1())),
        Office().issue(MESSAGES, KEY),
    ],
    ids=["empty", "text", "large", "another name", "test mode", "expired", "other key", "other authority"],
)
def test_a_certificate_that_is_not_for_paypals_messages_is_refused(content):
    with pytest.raises(BadSignature):
        reader(content)[0].read_webhook(signed(BODY), BODY, MORNING)


def test_a_certificate_that_cannot_be_fetched_lets_paypal_try_again():
    with pytest.raises(ProviderUnavailable):
        reader(status=503)[0].read_webhook(signed(BODY), BODY, MORNING)


def test_an_approval_is_news_on_the_way_to_a_payment():
    told = read("CHECKOUT.ORDER.APPROVED", {**ORDER, "status": "APPROVED"})

    assert (told.subject, told.object.progress) == (Subject.PAYMENT, Progress.PROCESSING)


def test_a_capture_that_was_denied_says_why():
    denied = {**CAPTURE, "status": "DECLINED", "status_details": {"reason": "PENDING_REVIEW"}}

    told = read("PAYMENT.CAPTURE.DENIED", denied).object

    assert (told.progress, told.failure) == (Progress.FAILED, "PENDING_REVIEW")


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"])
def test_a_refund_names_the_capture_above_it(kind):
    told = read(kind, REFUND).object

    assert (told.kind, told.payment, told.amount, told.stage) == (
        ReversalKind.REFUND,
        CAPTURE["id"],
        usd(500),
        ReversalStage.FINAL,
    )


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("OPEN", ReversalStage.OPEN),
        ("UNDER_REVIEW", ReversalStage.OPEN),
        ("RESOLVED", ReversalStage.DROPPED),
    ],
)
def test_a_dispute_names_the_capture_that_it_is_about(status, stage):
    told = read("CUSTOMER.DISPUTE.RESOLVED", {**DISPUTE, "status": status}).object

    assert (told.id, told.payment, told.stage) == (DISPUTE["dispute_id"], CAPTURE["id"], stage)


@pytest.mark.parametrize(
    ("kind", "status", "progress"),
    [
        ("SUCCEEDED", "SUCCESS", Progress.SUCCEEDED),
        ("FAILED", "FAILED", Progress.FAILED),
        ("UNCLAIMED", "UNCLAIMED", Progress.PROCESSING),
    ],
)
def test_items_are_read_as_payouts(kind, status, progress):
    told = read(f"PAYMENT.PAYOUTS-ITEM.{kind}", {**ITEM, "transaction_status": status})

    assert (told.subject, told.object.reference, told.object.progress) == (
        Subject.PAYOUT,
        "pay_1",
        progress,
    )


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("BILLING.PLAN.CREATED", {"id": "P-1"}),
        ("PAYMENT.CAPTURE.COMPLETED", {**CAPTURE, "custom_id": None}),
    ],
)
def test_what_is_not_ours_is_something_else(kind, resource):
    assert read(kind, resource).subject == Subject.OTHER


@pytest.mark.parametrize(
    "body",
    ["not json", "[]", "{}", event("PAYMENT.CAPTURE.COMPLETED", {**CAPTURE, "amount": {"value": "1.005"}})],
)
def test_a_signed_body_that_is_no_event_is_refused(body):
    with pytest.raises(MalformedWebhook):
        reader()[0].read_webhook(signed(body), body, MORNING)
