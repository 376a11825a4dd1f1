"""The sandbox provider's protocol.

POST {url}/v1/payment_intents and /v1/payouts with an Idempotency-Key, GET the same with an id,
/v1/payment_methods/{id} and /v1/balance_transactions; webhooks carry
`Sandbox-Signature: t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import httpx

from chassis.money import Money
from payment.domain.errors import (
    MalformedWebhook,
    PaymentMethodNotFound,
    ProviderRefused,
)
from payment.domain.provider import (
    Destination,
    PaymentMethod,
    Progress,
    ProviderEvent,
    ProviderObject,
    Subject,
)
from payment.domain.reconciliation import Movement, MovementKind
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.providers.signature import check_signature
from payment.providers.wire import NOTHING, Link, expected, reason_of, text, understood

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
    "refund.created": Subject.REVERSAL,
    "dispute.opened": Subject.REVERSAL,
    "dispute.closed": Subject.REVERSAL,
}
STAGES = {"open": ReversalStage.OPEN, "lost": ReversalStage.FINAL, "won": ReversalStage.DROPPED}
KINDS = {
    "payment": MovementKind.DEPOSIT,
    "reversal": MovementKind.REVERSAL,
    "payout": MovementKind.PAYOUT,
}
LARGEST_PAGE = 100


class SandboxProvider:
    name = "sandbox"

    def __init__(self, link: Link, webhook_secret: str) -> None:
        self._link = link
        self._secret = webhook_secret

    @classmethod
    def at(cls, url: str, api_key: str, webhook_secret: str) -> SandboxProvider:
        return cls(Link(url, {"Authorization": f"Bearer {api_key}"}), webhook_secret)

    def create_payment(self, reference: str, amount: Money) -> ProviderObject:
        return self._order("/v1/payment_intents", reference, amount, {})

    def find_payment(self, intent_id: str) -> ProviderObject:
        return self._find(f"/v1/payment_intents/{intent_id}")

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject:
        return self._order("/v1/payouts", reference, amount, {"destination": asdict(destination)})

    def find_payout(self, provider_payout_id: str) -> ProviderObject:
        return self._find(f"/v1/payouts/{provider_payout_id}")

    def find_payment_method(self, reference: str) -> PaymentMethod:
        answer = self._link.request("GET", f"/v1/payment_methods/{reference}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise PaymentMethodNotFound()
        return understood(method_of, expected(answer, 200))

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        check_signature(headers.get("sandbox-signature", ""), body, [self._secret], now)
        try:
            return event_of(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedWebhook() from error

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        last: dict[str, str] = {}
        while True:
            params = {"limit": str(LARGEST_PAGE), **last}
            page = expected(self._link.request("GET", "/v1/balance_transactions", params=params), 200)
            found = understood(movements_in, page)
            yield from (movement for movement in found if since <= movement.at < until)
            if not page["has_more"] or found[-1].at < since:
                return
            last = {"starting_after": found[-1].id}

    def _order(self, path: str, reference: str, amount: Money, more: dict[str, Any]) -> ProviderObject:
        body = {"amount": amount.amount_minor, "currency": amount.currency, "reference": reference, **more}
        answer = self._link.request("POST", path, json=body, headers={"Idempotency-Key": reference})
        if answer.status_code in REFUSALS:
            raise ProviderRefused(reason_of(answer, "error", "message"))
        return understood(object_of, expected(answer, 201))

    def _find(self, path: str) -> ProviderObject:
        return understood(object_of, expected(self._link.request("GET", path), 200))


def method_of(data: Mapping[str, Any]) -> PaymentMethod:
    expires = f"{int(data['exp_year']):04}-{int(data['exp_month']):02}"
    return PaymentMethod(text(data["type"]), text(data["brand"]), text(data["last4"]), expires)


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
    found: ProviderObject | Reversal = NOTHING
    if subject == Subject.REVERSAL:
        found = reversal_of(data["data"]["object"])
    elif subject != Subject.OTHER:
        found = object_of(data["data"]["object"])
    return ProviderEvent(text(data["id"]), text(data["type"]), subject, found)


def reversal_of(data: Mapping[str, Any]) -> Reversal:
    is_refund = data["kind"] == "refund"
    return Reversal(
        id=text(data["id"]),
        payment=text(data["payment"]),
        kind=ReversalKind(data["kind"]),
        reason=text(data["reason"]),
        amount=Money(data["amount"], data["currency"]),
        stage=ReversalStage.FINAL if is_refund else STAGES[data["status"]],
    )


def movements_in(page: Mapping[str, Any]) -> list[Movement]:
    return [
        Movement(
            id=text(data["id"]),
            kind=KINDS[data["type"]],
            amount=Money(data["amount"], data["currency"]),
            at=datetime.fromtimestamp(data["created"], UTC),
            reference=text(data["reference"]),
        )
        for data in page["data"]
    ]
