"""Stripe's protocol: payment intents for deposits, Connect transfers for payouts, signed webhooks.

Form-encoded requests under a secret key and a pinned API version; https://docs.stripe.com/api.
What we order carries our id as `metadata[reference]`; a transfer has it as `transfer_group` besides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any

import httpx

from chassis.money import Money
from payment.domain.errors import (
    MalformedWebhook,
    PaymentMethodNotFound,
    ProviderRefused,
    ProviderUnavailable,
)
from payment.domain.provider import (
    Checkout,
    Destination,
    PaymentMethod,
    Progress,
    ProviderEvent,
    ProviderObject,
    Subject,
)
from payment.domain.reconciliation import Movement, MovementKind
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.providers.amounts import from_stripe, to_stripe
from payment.providers.signature import check_signature
from payment.providers.wire import NOTHING, Link, expected, reason_of, text, understood

API_VERSION = "2025-10-29.clover"
METHOD = "stripe"

# What is wrong with the order or with the card. An error about the idempotency key has status 400, too.
REFUSALS = {400: ("invalid_request_error", "card_error"), 402: ("card_error", "invalid_request_error")}

# Everything else that an intent may be in is on its way: the payer has not paid yet, or may try another card.
PROGRESS = {"succeeded": Progress.SUCCEEDED, "canceled": Progress.FAILED}

# An inquiry ("warning_…") takes no money, and "charge_refunded" is told as a refund.
STAGES = {
    "needs_response": ReversalStage.OPEN,
    "under_review": ReversalStage.OPEN,
    "lost": ReversalStage.FINAL,
    "won": ReversalStage.DROPPED,
    "prevented": ReversalStage.DROPPED,
    "charge_refunded": ReversalStage.DROPPED,
}
LARGEST_PAGE = 100


class StripeProvider:
    name = "stripe"

    def __init__(self, link: Link, webhook_secrets: str, *, live: bool) -> None:
        """`webhook_secrets` are one or more, separated by commas: while one is rolled, both are good."""
        self._link = link
        self._secrets = [secret.strip() for secret in webhook_secrets.split(",") if secret.strip()]
        self._live = live

    @classmethod
    def at(cls, url: str, secret_key: str, webhook_secrets: str) -> StripeProvider:
        headers = {"Authorization": f"Bearer {secret_key}", "Stripe-Version": API_VERSION}
        return cls(Link(url, headers), webhook_secrets, live="_live_" in secret_key)

    def create_payment(self, reference: str, amount: Money) -> ProviderObject:
        order = {
            "amount": str(to_stripe(amount)),
            "currency": amount.currency.lower(),
            "automatic_payment_methods[enabled]": "true",
            "metadata[reference]": reference,
        }
        return self._object(payment_of, self._post("/v1/payment_intents", reference, order))

    def find_payment(self, intent_id: str) -> ProviderObject:
        return self._object(payment_of, self._get(f"/v1/payment_intents/{intent_id}"))

    def create_payout(self, reference: str, amount: Money, destination: Destination) -> ProviderObject:
        """Looks first: Stripe forgets an idempotency key after a day, and would then pay a second time."""
        if destination.method != METHOD:
            raise ProviderRefused(f"Stripe does not pay to a {destination.method} account")
        order = {
            "amount": str(to_stripe(amount)),
            "currency": amount.currency.lower(),
            "destination": destination.account_details,
            "transfer_group": reference,
            "metadata[reference]": reference,
        }
        made = self._transfers_of(reference)
        transfer = made[0] if made else self._post("/v1/transfers", reference, order)
        return self._object(transfer_of, transfer)

    def find_payout(self, provider_payout_id: str) -> ProviderObject:
        return self._object(transfer_of, self._get(f"/v1/transfers/{provider_payout_id}"))

    def find_payment_method(self, reference: str) -> PaymentMethod:
        answer = self._link.request("GET", f"/v1/payment_methods/{reference}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise PaymentMethodNotFound()
        return understood(method_of, expected(answer, 200))

    def read_webhook(self, headers: Mapping[str, str], body: str, now: datetime) -> ProviderEvent:
        check_signature(headers.get("stripe-signature", ""), body, self._secrets, now)
        try:
            return self._event(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise MalformedWebhook() from error

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        params = {
            "limit": str(LARGEST_PAGE),
            "created[gte]": str(int(since.timestamp())),
            "created[lt]": str(ceil(until.timestamp())),
            "expand[]": "data.source",
        }
        while True:
            page = self._get("/v1/balance_transactions", params)
            yield from understood(movements_in, page)
            if not page.get("has_more"):
                return
            params = {**params, "starting_after": understood(last_id, page)}

    def _transfers_of(self, reference: str) -> list[dict[str, Any]]:
        page = self._get("/v1/transfers", {"transfer_group": reference, "limit": "1"})
        return understood(lambda body: list(body["data"]), page)

    def _post(self, path: str, key: str, order: dict[str, str]) -> dict[str, Any]:
        answer = self._link.request("POST", path, data=order, headers={"Idempotency-Key": key})
        if reason_of(answer, "error", "type") in REFUSALS.get(answer.status_code, ()):
            raise ProviderRefused(reason_of(answer, "error", "message"))
        return expected(answer, 200)

    def _get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        return expected(self._link.request("GET", path, params=params), 200)

    def _object(
        self, read: Callable[[Mapping[str, Any]], ProviderObject | None], body: Mapping[str, Any]
    ) -> ProviderObject:
        found = understood(read, body)
        if found is None or body.get("livemode") is not self._live:
            raise ProviderUnavailable("the provider answered with something that is not what was ordered")
        return found

    def _event(self, data: Mapping[str, Any]) -> ProviderEvent:
        read = READERS.get(data["type"])
        found = None if read is None else read[1](data["data"]["object"])
        if read is None or found is None:
            return ProviderEvent(text(data["id"]), text(data["type"]), Subject.OTHER, NOTHING)
        return ProviderEvent(text(data["id"]), text(data["type"]), read[0], found, self._objection(data))

    def _objection(self, data: Mapping[str, Any]) -> str | None:
        if data["livemode"] is not self._live:
            return f"it is about {'live' if data['livemode'] else 'test'} money"
        if data.get("account"):
            return f"it is about another account, {text(data['account'])}"
        return None


def payment_of(data: Mapping[str, Any]) -> ProviderObject | None:
    """None for an intent that was not ordered by us. What counts at the end is what was received."""
    reference = data["metadata"].get("reference")
    if not reference:
        return None
    progress = PROGRESS.get(data["status"], Progress.PROCESSING)
    amount = data["amount_received"] if progress == Progress.SUCCEEDED else data["amount"]
    charge, secret = data.get("latest_charge"), data.get("client_secret")
    return ProviderObject(
        id=text(data["id"]),
        reference=text(reference),
        amount=from_stripe(amount, data["currency"]),
        progress=progress,
        failure=data.get("cancellation_reason") if progress == Progress.FAILED else None,
        payment_id=text(charge) if charge else None,
        checkout=Checkout(client_secret=text(secret)) if secret else None,
    )


def failed_payment_of(data: Mapping[str, Any]) -> ProviderObject | None:
    """The payer may still succeed with another card; then the later success counts."""
    found = payment_of(data)
    if found is None or found.progress == Progress.SUCCEEDED:
        return found
    error = data.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code") or "the payment failed"
    return ProviderObject(found.id, found.reference, found.amount, Progress.FAILED, text(reason))


def transfer_of(data: Mapping[str, Any]) -> ProviderObject | None:
    reference = data["metadata"].get("reference")
    if not reference:
        return None
    return ProviderObject(
        id=text(data["id"]),
        reference=text(reference),
        amount=from_stripe(data["amount"], data["currency"]),
        progress=Progress.FAILED if data["reversed"] else Progress.SUCCEEDED,
        failure="the transfer was reversed" if data["reversed"] else None,
        destination=Destination(METHOD, "", text(data["destination"])).masked,
    )


def refund_of(charge: Mapping[str, Any]) -> Reversal | None:
    """A charge tells the sum of its refunds, so that they are one, which grows."""
    if not charge.get("payment_intent"):
        return None
    refunds = (charge.get("refunds") or {}).get("data") or [{}]
    return Reversal(
        id=f"refunds of {text(charge['id'])}",
        payment=text(charge["payment_intent"]),
        kind=ReversalKind.REFUND,
        reason=text(refunds[0].get("reason") or "no reason given"),
        amount=from_stripe(charge["amount_refunded"], charge["currency"]),
        stage=ReversalStage.FINAL,
    )


def dispute_of(data: Mapping[str, Any]) -> Reversal | None:
    if not data.get("payment_intent") or data["status"] not in STAGES:
        return None
    return Reversal(
        id=text(data["id"]),
        payment=text(data["payment_intent"]),
        kind=ReversalKind.DISPUTE,
        reason=text(data["reason"]),
        amount=from_stripe(data["amount"], data["currency"]),
        stage=STAGES[data["status"]],
    )


def method_of(data: Mapping[str, Any]) -> PaymentMethod:
    card = data["card"]
    expires = f"{int(card['exp_year']):04}-{int(card['exp_month']):02}"
    return PaymentMethod(text(data["type"]), text(card["brand"]), text(card["last4"]), expires)


READERS: dict[str, tuple[Subject, Callable[[Mapping[str, Any]], ProviderObject | Reversal | None]]] = {
    "payment_intent.succeeded": (Subject.PAYMENT, payment_of),
    "payment_intent.processing": (Subject.PAYMENT, payment_of),
    "payment_intent.canceled": (Subject.PAYMENT, payment_of),
    "payment_intent.payment_failed": (Subject.PAYMENT, failed_payment_of),
    "transfer.created": (Subject.PAYOUT, transfer_of),
    "transfer.updated": (Subject.PAYOUT, transfer_of),
    "transfer.reversed": (Subject.PAYOUT, transfer_of),
    "charge.refunded": (Subject.REVERSAL, refund_of),
    "charge.dispute.created": (Subject.REVERSAL, dispute_of),
    "charge.dispute.updated": (Subject.REVERSAL, dispute_of),
    "charge.dispute.closed": (Subject.REVERSAL, dispute_of),
}


def last_id(page: Mapping[str, Any]) -> str:
    return text(page["data"][-1]["id"])


def movements_in(page: Mapping[str, Any]) -> list[Movement]:
    found = [movement_of(data) for data in page["data"]]
    return [movement for movement in found if movement is not None]


KINDS = {
    "charge": MovementKind.DEPOSIT,
    "payment": MovementKind.DEPOSIT,
    "refund": MovementKind.REVERSAL,
    "payment_refund": MovementKind.REVERSAL,
    "transfer": MovementKind.PAYOUT,
    "transfer_refund": MovementKind.PAYOUT,
}


def movement_of(data: Mapping[str, Any]) -> Movement | None:
    """None for what is between the platform and Stripe or its bank, such as fees. Amounts are before fees."""
    source = data.get("source") or {}
    kind = KINDS.get(data["type"])
    if data["type"] == "adjustment" and source.get("object") == "dispute":
        kind = MovementKind.REVERSAL
    if kind is None:
        return None
    return Movement(
        id=text(data["id"]),
        kind=kind,
        amount=from_stripe(data["amount"], data["currency"]),
        at=datetime.fromtimestamp(data["created"], UTC),
        reference=source.get("transfer_group") if kind == MovementKind.PAYOUT else None,
        payment=source.get("payment_intent"),
    )
