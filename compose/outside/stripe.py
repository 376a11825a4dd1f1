"""A local server that speaks the part of Stripe's API that we use; shapes follow https://docs.stripe.com/api.

The sandbox's process serves it on STRIPE_PORT. It wants STRIPE_SECRET_KEY and signs its webhooks to
{PUBLIC_URL}/v1/webhooks/stripe with STRIPE_WEBHOOK_SECRET. Requests are forms, an Idempotency-Key gets its
first answer again, all of it is in test mode. Nobody is there to type a card's number, so every payer pays
after `delay_seconds`. PUT /_control as in unreliable.py; besides:

    POST /_control/refunds          {payment_intent, amount, reason}
    POST /_control/disputes         {payment_intent, amount, reason}
    POST /_control/disputes/{id}    {"status": "won" | "lost"}
    POST /_control/reversals/{transfer}
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import RLock
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer

from compose.outside import unreliable
from compose.outside.unreliable import ApiError, Faults, Schedule, Webhooks, json_body, new_id

API_VERSION = "2025-10-29.clover"
LARGEST_PAGE = 100
CARDS = {
    "pm_card_visa": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034},
    "pm_card_mastercard": {"brand": "mastercard", "last4": "4444", "exp_month": 6, "exp_year": 2033},
}


@dataclass
class Account:
    """The platform's account: its objects by id, and what moved on its balance, oldest first."""

    webhooks: Webhooks
    schedule: Schedule
    faults: Faults = field(default_factory=Faults)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[str, dict[str, str], str]] = field(default_factory=dict)
    movements: list[dict[str, Any]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
    numbers: Any = field(default_factory=count)

    def once(self, path: str, key: str, form: dict[str, str], make: Any) -> dict[str, Any]:
        """The first answer under a key again; the key with another order is refused with status 400."""
        with self.lock:
            first = self.answers.get(key)
            if first is None:
                made: dict[str, Any] = make(form)
                self.answers[key] = (path, form, made["id"])
                return dict(made)
            if first[:2] != (path, form):
                raise ApiError(
                    400, "idempotency_error", "Keys for idempotent requests can only be used with ..."
                )
            return dict(self.objects[first[2]])

    def find(self, kind: str, id: str) -> dict[str, Any]:
        with self.lock:
            found = self.objects.get(id)
            if found is None or found["object"] != kind:
                raise ApiError(
                    404, "invalid_request_error", f"No such {kind}: '{id}'", code="resource_missing"
                )
            return dict(found)

    def pay_in(self, form: dict[str, str]) -> dict[str, Any]:
        amount = positive(form.get("amount"))
        intent: dict[str, Any] = {
            "id": new_id("pi"),
            "object": "payment_intent",
            "amount": amount,
            "amount_received": 0,
            "currency": currency(form.get("currency")),
            "automatic_payment_methods": {"enabled": True},
            "cancellation_reason": None,
            "client_secret": None,
            "created": int(time.time()),
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": metadata(form),
            "status": "requires_payment_method",
        }
        intent["client_secret"] = new_id(f"{intent['id']}_secret")
        self.objects[intent["id"]] = intent
        self.schedule.after(self.faults.behaviour.delay_seconds, lambda: self.confirm(intent["id"]))
        return intent

    def confirm(self, id: str) -> dict[str, Any]:
        """What the payer's browser does with the client secret."""
        with self.lock:
            intent = self.objects[id]
            if intent["status"] == "succeeded":
                return dict(intent)
            if self.faults.behaviour.fail_payments:
                error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
                intent["last_payment_error"] = error
                self._tell("payment_intent.payment_failed", intent)
                return dict(intent)
            charge = self._charge(intent)
            received = {"amount_received": intent["amount"], "latest_charge": charge["id"]}
            intent.update(status="succeeded", **received)
            self._move("charge", intent["amount"], charge)
            self._tell("payment_intent.succeeded", intent)
            return dict(intent)

    def pay_out(self, form: dict[str, str]) -> dict[str, Any]:
        if self.faults.behaviour.fail_payouts or not str(form.get("destination")).startswith("acct_"):
            raise ApiError(400, "invalid_request_error", "No such destination", code="resource_missing")
        transfer: dict[str, Any] = {
            "id": new_id("tr"),
            "object": "transfer",
            "amount": positive(form.get("amount")),
            "amount_reversed": 0,
            "created": int(time.time()),
            "currency": currency(form.get("currency")),
            "destination": form["destination"],
            "livemode": False,
            "metadata": metadata(form),
            "reversed": False,
            "transfer_group": form.get("transfer_group"),
        }
        self.objects[transfer["id"]] = transfer
        self._move("transfer", -transfer["amount"], transfer)
        self._tell("transfer.created", transfer)
        return transfer

    def reverse_transfer(self, id: str) -> dict[str, Any]:
        with self.lock:
            self.find("transfer", id)
            transfer = self.objects[id]
            transfer.update(reversed=True, amount_reversed=transfer["amount"])
            self._move("transfer_refund", transfer["amount"], transfer)
            self._tell("transfer.reversed", transfer)
            return dict(transfer)

    def refund(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            intent = self.find("payment_intent", str(body.get("payment_intent")))
            charge = self.objects[intent["latest_charge"]]
            amount = body.get("amount", charge["amount"])
            refund = {
                "id": new_id("re"),
                "object": "refund",
                "amount": amount,
                "charge": charge["id"],
                "currency": charge["currency"],
                "payment_intent": intent["id"],
                "reason": body.get("reason", "requested_by_customer"),
                "status": "succeeded",
            }
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            charge["refunds"]["data"].insert(0, refund)
            self._move("refund", -amount, refund)
            self._tell("charge.refunded", charge)
            return refund

    def dispute(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            intent = self.find("payment_intent", str(body.get("payment_intent")))
            dispute = {
                "id": new_id("du"),
                "object": "dispute",
                "amount": body.get("amount", intent["amount"]),
                "charge": intent["latest_charge"],
                "currency": intent["currency"],
                "livemode": False,
                "metadata": {},
                "payment_intent": intent["id"],
                "reason": body.get("reason", "fraudulent"),
                "status": "needs_response",
            }
            self.objects[dispute["id"]] = dispute
            self._move("adjustment", -dispute["amount"], dispute)
            self._tell("charge.dispute.created", dispute)
            return dict(dispute)

    def close(self, id: str, status: str) -> dict[str, Any]:
        with self.lock:
            self.find("dispute", id)
            dispute = self.objects[id]
            if status not in ("won", "lost"):
                raise ApiError(400, "invalid_request_error", "status is won or lost")
            dispute["status"] = status
            if status == "won":
                self._move("adjustment", dispute["amount"], dispute)
            self._tell("charge.dispute.closed", dispute)
            return dict(dispute)

    def transfers_of(self, group: str | None) -> list[dict[str, Any]]:
        with self.lock:
            mine = [each for each in self.objects.values() if each["object"] == "transfer"]
            return [dict(each) for each in mine if group is None or each["transfer_group"] == group]

    def _charge(self, intent: Mapping[str, Any]) -> dict[str, Any]:
        charge = {
            "id": new_id("ch"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_refunded": 0,
            "currency": intent["currency"],
            "livemode": False,
            "metadata": intent["metadata"],
            "payment_intent": intent["id"],
            "refunded": False,
            "refunds": {"object": "list", "data": [], "has_more": False},
            "status": "succeeded",
        }
        self.objects[charge["id"]] = charge
        return charge

    def _move(self, type: str, amount: int, source: Mapping[str, Any]) -> None:
        movement = {
            "id": f"txn_{next(self.numbers):024}",
            "object": "balance_transaction",
            "amount": amount,
            "created": int(time.time()),
            "currency": source["currency"],
            "fee": 0,
            "net": amount,
            "source": dict(source),
            "type": type,
        }
        self.movements.append(movement)

    def _tell(self, type: str, subject: Mapping[str, Any]) -> None:
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "data": {"object": dict(subject)},
            "livemode": False,
            "pending_webhooks": 1,
            "type": type,
        }
        self.webhooks.send(json.dumps(event, separators=(",", ":")), self.faults.behaviour)


def positive(value: str | None) -> int:
    if value is None or not value.isdecimal() or int(value) == 0:
        raise ApiError(400, "invalid_request_error", f"Invalid positive integer: {value}", param="amount")
    return int(value)


def currency(value: str | None) -> str:
    if value is None or len(value) != 3 or not value.islower():
        raise ApiError(400, "invalid_request_error", f"Invalid currency: {value}", param="currency")
    return value


def metadata(form: Mapping[str, str]) -> dict[str, str]:
    inside = "metadata["
    return {name[len(inside) : -1]: value for name, value in form.items() if name.startswith(inside)}


def create_app(account: Account, secret_key: str) -> Flask:
    def admit() -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {secret_key}".encode()):
            raise ApiError(401, "invalid_request_error", "Invalid API Key provided")

    def error_body(error: ApiError) -> dict[str, Any]:
        return {"error": {"type": error.type, "message": error.message, **error.more}}

    app = unreliable.create_app(__name__, account.faults, admit, error_body)

    def ordered(make: Any) -> Response:
        form = request.form.to_dict()
        key = request.headers.get("Idempotency-Key") or new_id("key")
        return jsonify(account.once(request.path, key, form, make))

    @app.post("/v1/payment_intents")
    def create_payment() -> Response:
        return ordered(account.pay_in)

    @app.get("/v1/payment_intents/<id>")
    def get_payment(id: str) -> Response:
        return jsonify(account.find("payment_intent", id))

    @app.post("/v1/payment_intents/<id>/confirm")
    def confirm_payment(id: str) -> Response:
        account.find("payment_intent", id)
        return jsonify(account.confirm(id))

    @app.post("/v1/transfers")
    def create_transfer() -> Response:
        return ordered(account.pay_out)

    @app.get("/v1/transfers")
    def list_transfers() -> Response:
        found = account.transfers_of(request.args.get("transfer_group"))
        return jsonify(object="list", url="/v1/transfers", data=found[:LARGEST_PAGE], has_more=False)

    @app.get("/v1/transfers/<id>")
    def get_transfer(id: str) -> Response:
        return jsonify(account.find("transfer", id))

    @app.get("/v1/payment_methods/<id>")
    def get_payment_method(id: str) -> Response:
        if id not in CARDS:
            raise ApiError(404, "invalid_request_error", f"No such PaymentMethod: '{id}'")
        return jsonify(id=id, object="payment_method", type="card", card=CARDS[id], livemode=False)

    @app.get("/v1/balance_transactions")
    def list_movements() -> Response:
        """Newest first; a page ends before what `starting_after` names."""
        since = request.args.get("created[gte]", 0, int)
        until = request.args.get("created[lt]", int(time.time()) + 1, int)
        last = request.args.get("starting_after", "")
        limit = min(max(request.args.get("limit", 10, int), 1), LARGEST_PAGE)
        with account.lock:
            newest = [m for m in reversed(account.movements) if since <= m["created"] < until]
        found = [m for m in newest if not last or m["id"] < last]
        return jsonify(object="list", data=found[:limit], has_more=len(found) > limit)

    @app.post("/_control/refunds")
    def refund() -> Response:
        return jsonify(account.refund(json_body()))

    @app.post("/_control/disputes")
    def dispute() -> Response:
        return jsonify(account.dispute(json_body()))

    @app.post("/_control/disputes/<id>")
    def close_dispute(id: str) -> Response:
        return jsonify(account.close(id, str(json_body().get("status"))))

    @app.post("/_control/reversals/<id>")
    def reverse_transfer(id: str) -> Response:
        return jsonify(account.reverse_transfer(id))

    return app


def from_environ(environ: Mapping[str, str], public_url: str) -> BaseWSGIServer | None:
    if "STRIPE_PORT" not in environ:
        return None
    secret = environ["STRIPE_WEBHOOK_SECRET"]
    return serve(int(environ["STRIPE_PORT"]), environ["STRIPE_SECRET_KEY"], secret, public_url)


def serve(port: int, secret_key: str, webhook_secret: str, public_url: str) -> BaseWSGIServer:
    def sign(body: str) -> dict[str, str]:
        at = int(time.time())
        digest = hmac.new(webhook_secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={at},v1={digest},v0={'0' * 64}"}

    schedule = Schedule()
    webhooks = Webhooks(f"{public_url.rstrip('/')}/v1/webhooks/stripe", sign, schedule)
    return unreliable.listening(port, create_app(Account(webhooks, schedule), secret_key))
