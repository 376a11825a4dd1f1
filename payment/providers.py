"""The sandbox provider's protocol. Stripe's and PayPal's will stand beside it.

POST {url}/v1/payment_intents and /v1/payouts with an Idempotency-Key, GET the same with an id, and
/v1/payment_methods/{id}; webhooks carry `Sandbox-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import httpx

from chassis.money import Money
from payment.domain.errors import (
    BadSignature,
    MalformedWebhook,
    PaymentMethodNotFound,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.provider import (
    Destination,
    PaymentMethod,
    Progress,
    ProviderEvent,
    ProviderObject,
    Subject,
)
from payment.handlers.ports import PaymentProvider

# Below the deadline of the request that waits for it, so that a slow provider does not cost the answer.
TIMEOUT = httpx.Timeout(2.5, connect=1.0)

# As Stripe has it: older is a replay, or a clock that is wrong.
SIGNATURE_TOLERANCE_SECONDS = 300

# The statuses by which the provider says that this order can never be carried out. A wrong API key or
# a conflict about the idempotency key is our own mistake and must not end anybody's deposit.
REFUSALS = (400, 402, 422)

PROGRESS = {
    "processing": Progress.PROCESSING,
    "succeeded": Progress.SUCCEEDED,
    "paid": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
}
SUBJECTS = {
    "payment_intent.succeeded": Subject.PAYMENT,
    "payment_intent.payment_failed": Subject.PAYMENT,
    "payout.paid": Subject.PAYOUT,
    "payout.failed": Subject.PAYOUT,
}
LONGEST_TEXT = 255
# ISO 4217 keeps this code for transactions without a currency.
NO_CURRENCY = "XXX"
NOTHING = ProviderObject("", "", Money.zero(NO_CURRENCY), Progress.PROCESSING)


class SandboxProvider:
    name = "sandbox"

    def __init__(self, url: str, api_key: str, webhook_secret: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {api_key}"}, timeout=TIMEOUT
        )
        self._secret = webhook_secret.encode()

    def create_payment(self, reference: str, amount: Money) -> ProviderObject:
        return self._order("/v1/payment_intents", reference, amount, {})

    def find_payment(self, intent_id: str) -> ProviderObject:
        return self._find(f"/v1/payment_intents/{intent_id}")

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject:
        return self._order("/v1/payouts", reference, amount, {"destination": asdict(destination)})

    def find_payout(self, provider_payout_id: str) -> ProviderObject:
        return self._find(f"/v1/payouts/{provider_payout_id}")

    def find_payment_method(self, reference: str) -> PaymentMethod:
        answer = self._request("GET", f"/v1/payment_methods/{reference}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise PaymentMethodNotFound()
        return method_in(answer)

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        self._check_signature(headers.get("sandbox-signature", ""), body, int(now.timestamp()))
        try:
            return event_of(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedWebhook() from error

    def _check_signature(self, header: str, body: str, now: int) -> None:
        parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
        at, given = parts.get("t", ""), parts.get("v1", "")
        expected = hmac.new(self._secret, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise BadSignature()
        if not at.isdecimal() or abs(now - int(at)) > SIGNATURE_TOLERANCE_SECONDS:
            raise BadSignature("the signature is too old")

    def _order(self, path: str, reference: str, amount: Money, more: dict[str, Any]) -> ProviderObject:
        body = {"amount": amount.amount_minor, "currency": amount.currency, "reference": reference, **more}
        answer = self._request("POST", path, json=body, headers={"Idempotency-Key": reference})
        if answer.status_code in REFUSALS:
            raise ProviderRefused(reason_of(answer))
        return object_in(answer, 201)

    def _find(self, path: str) -> ProviderObject:
        return object_in(self._request("GET", path), 200)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(type(error).__name__) from error


class Providers:
    """The providers that this installation may use, by name."""

    def __init__(self, configured: Mapping[str, PaymentProvider]) -> None:
        self._configured = dict(configured)

    def named(self, name: str) -> PaymentProvider:
        if name not in self._configured:
            raise ProviderNotConfigured(f"{name} is not configured here")
        return self._configured[name]


def object_in(answer: httpx.Response, expected: int) -> ProviderObject:
    """ProviderUnavailable for whatever does not clearly say what became of the order."""
    if answer.status_code != expected:
        raise ProviderUnavailable(f"the provider answered {answer.status_code}")
    try:
        return object_of(answer.json())
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderUnavailable("the provider's answer is not understood") from error


def method_in(answer: httpx.Response) -> PaymentMethod:
    if answer.status_code != httpx.codes.OK:
        raise ProviderUnavailable(f"the provider answered {answer.status_code}")
    try:
        data = answer.json()
        expires = f"{int(data['exp_year']):04}-{int(data['exp_month']):02}"
        return PaymentMethod(text(data["type"]), text(data["brand"]), text(data["last4"]), expires)
    except (ValueError, KeyError, TypeError) as error:
        raise ProviderUnavailable("the provider's answer is not understood") from error


def object_of(data: Mapping[str, Any]) -> ProviderObject:
    return ProviderObject(
        id=text(data["id"]),
        reference=text(data["reference"]),
        amount=Money(data["amount"], data["currency"]),
        progress=PROGRESS[data["status"]],
        failure=text(data["failure_reason"]) if data.get("failure_reason") else None,
    )


def event_of(data: Mapping[str, Any]) -> ProviderEvent:
    subject = SUBJECTS.get(data["type"], Subject.OTHER)
    found = NOTHING if subject == Subject.OTHER else object_of(data["data"]["object"])
    return ProviderEvent(text(data["id"]), text(data["type"]), subject, found)


def text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise ValueError("a text of 1 to 255 characters is expected")
    return value


def reason_of(answer: httpx.Response) -> str:
    try:
        return text(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the provider answered {answer.status_code}"
