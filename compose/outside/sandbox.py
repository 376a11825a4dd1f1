"""A payment provider for the local stack: takes payments, pays out, and tells by signed webhooks.

    SANDBOX_PORT=8092 SANDBOX_API_KEY=… SANDBOX_WEBHOOK_SECRET=… PUBLIC_URL=http://127.0.0.1:8000 \
        python -m compose.outside.sandbox

It listens on loopback alone, moves no money and keeps everything in memory. The API wants
`Authorization: Bearer <key>`; orders are idempotent by their `Idempotency-Key`. Every payment and payout
is settled after `delay_seconds` and told to {PUBLIC_URL}/v1/webhooks/sandbox until that answers with 2xx.
PUT /_control tells it to misbehave, see unreliable.py. What else happens to a payment:

    POST /_control/refunds          {payment, amount, reason}
    POST /_control/disputes         {payment, amount, reason}      takes the money at once
    POST /_control/disputes/{id}    {"status": "won" | "lost"}     gives it back, or not

With STRIPE_PORT and PAYPAL_PORT the same process also is their stand-in, see stripe.py and paypal.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer

from compose.outside import paypal, stripe, unreliable
from compose.outside.unreliable import ApiError, Behaviour, Faults, Schedule, Webhooks, json_body, new_id

PAYMENT, PAYOUT = "payment_intent", "payout"
ID_PREFIX = {PAYMENT: "pi", PAYOUT: "po"}
SUCCESS = {PAYMENT: "succeeded", PAYOUT: "paid"}
FAILURE_EVENT = {PAYMENT: "payment_intent.payment_failed", PAYOUT: "payout.failed"}
FAILURE_REASON = {PAYMENT: "card_declined", PAYOUT: "account_closed"}

# As Stripe's test methods, which need no form in a browser; nobody's card is behind them.
PAYMENT_METHODS = {
    "pm_card_visa": {"type": "card", "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034},
    "pm_card_mastercard": {
        "type": "card",
        "brand": "mastercard",
        "last4": "4444",
        "exp_month": 6,
        "exp_year": 2033,
    },
}

LARGEST_PAGE = 100


@dataclass
class Bank:
    """The objects, by kind and id, and the money that moved."""

    webhooks: Webhooks
    schedule: Schedule
    faults: Faults = field(default_factory=Faults)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    orders: dict[tuple[str, str], tuple[dict[str, Any], str]] = field(default_factory=dict)
    reversals: dict[str, dict[str, Any]] = field(default_factory=dict)
    movements: list[dict[str, Any]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def order(self, kind: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same key and body again get the object that the first ones made."""
        with self.lock:
            first = self.orders.get((kind, key))
            if first is None:
                return self._make(kind, key, body)
            if first[0] != body:
                raise ApiError(409, "idempotency_error", "the key was used with other parameters")
            return dict(self.objects[kind, first[1]])

    def find(self, kind: str, id: str) -> dict[str, Any]:
        with self.lock:
            if (kind, id) not in self.objects:
                raise ApiError(404, "not_found", f"no such {kind}")
            return dict(self.objects[kind, id])

    def reverse(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            payment = self.objects.get((PAYMENT, str(body.get("payment"))))
            if payment is None or payment["status"] != SUCCESS[PAYMENT]:
                raise ApiError(404, "not_found", "no such payment that succeeded")
            made = {
                "id": new_id("re" if kind == "refund" else "dp"),
                "kind": kind,
                "payment": payment["id"],
                "amount": body.get("amount", payment["amount"]),
                "currency": payment["currency"],
                "reason": body.get("reason", "requested_by_customer"),
                "status": "succeeded" if kind == "refund" else "open",
            }
            self.reversals[made["id"]] = made
            self.movements.append(self._reversed(made, -made["amount"]))
        self._tell("refund.created" if kind == "refund" else "dispute.opened", made)
        return made

    def close(self, id: str, status: str) -> dict[str, Any]:
        with self.lock:
            dispute = self.reversals.get(id)
            if dispute is None or dispute["status"] != "open" or status not in ("won", "lost"):
                raise ApiError(404, "not_found", "no such open dispute")
            dispute["status"] = status
            if status == "won":
                self.movements.append(self._reversed(dispute, dispute["amount"]))
            closed = dict(dispute)
        self._tell("dispute.closed", closed)
        return closed

    def movements_after(self, last: str | None, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Newest first, those before the one named by `last`; and whether there are more."""
        with self.lock:
            newest = list(reversed(self.movements))
        if last is not None:
            positions = [index for index, movement in enumerate(newest) if movement["id"] == last]
            if not positions:
                raise ApiError(400, "invalid_request", "starting_after names nothing")
            newest = newest[positions[0] + 1 :]
        return newest[:limit], len(newest) > limit

    def _make(self, kind: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        made = {"id": new_id(ID_PREFIX[kind]), "status": "processing", **body}
        self.objects[kind, made["id"]] = made
        self.orders[kind, key] = (body, made["id"])
        self.schedule.after(self.faults.behaviour.delay_seconds, lambda: self._settle(kind, made["id"]))
        return dict(made)

    def _settle(self, kind: str, id: str) -> None:
        with self.lock:
            settled, behaviour = self.objects[kind, id], self.faults.behaviour
            if fails(kind, behaviour):
                settled.update(status="failed", failure_reason=FAILURE_REASON[kind])
                event = FAILURE_EVENT[kind]
            else:
                settled["status"] = SUCCESS[kind]
                event = f"{kind}.{SUCCESS[kind]}"
                self.movements.append(movement_of(kind, settled))
            told = dict(settled)
        self._tell(event, told)

    def _tell(self, type: str, subject: Mapping[str, Any]) -> None:
        event = {
            "id": new_id("evt"),
            "type": type,
            "created": int(time.time()),
            "data": {"object": public(subject)},
        }
        self.webhooks.send(json.dumps(event, separators=(",", ":")), self.faults.behaviour)

    def _reversed(self, reversal: Mapping[str, Any], amount: int) -> dict[str, Any]:
        reference = self.objects[PAYMENT, reversal["payment"]]["reference"]
        return moved("reversal", {**reversal, "reference": reference}, amount)


def fails(kind: str, behaviour: Behaviour) -> bool:
    return behaviour.fail_payments if kind == PAYMENT else behaviour.fail_payouts


def movement_of(kind: str, settled: Mapping[str, Any]) -> dict[str, Any]:
    if kind == PAYMENT:
        return moved("payment", settled, settled["amount"])
    return moved("payout", settled, -settled["amount"])


def moved(type: str, source: Mapping[str, Any], amount: int) -> dict[str, Any]:
    return {
        "id": new_id("bt"),
        "type": type,
        "amount": amount,
        "currency": source["currency"],
        "source": source["id"],
        "reference": source["reference"],
        "created": int(time.time()),
    }


def public(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Without the destination, which nobody needs to read again."""
    return {name: value for name, value in subject.items() if name != "destination"}


def create_app(bank: Bank, api_key: str) -> Flask:
    def admit() -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode()):
            raise ApiError(401, "unauthorized", "the API key is missing or wrong")

    def error_body(error: ApiError) -> dict[str, Any]:
        return {"error": {"type": error.type, "message": error.message}}

    app = unreliable.create_app(__name__, bank.faults, admit, error_body)

    @app.post("/v1/payment_intents")
    def create_payment() -> tuple[Response, int]:
        body = order_body()
        return jsonify(public(bank.order(PAYMENT, idempotency_key(), body))), 201

    @app.get("/v1/payment_intents/<id>")
    def get_payment(id: str) -> Response:
        return jsonify(public(bank.find(PAYMENT, id)))

    @app.post("/v1/payouts")
    def create_payout() -> tuple[Response, int]:
        body = {**order_body(), "destination": destination()}
        return jsonify(public(bank.order(PAYOUT, idempotency_key(), body))), 201

    @app.get("/v1/payouts/<id>")
    def get_payout(id: str) -> Response:
        return jsonify(public(bank.find(PAYOUT, id)))

    @app.get("/v1/payment_methods/<id>")
    def get_payment_method(id: str) -> Response:
        if id not in PAYMENT_METHODS:
            raise ApiError(404, "not_found", "no such payment_method")
        return jsonify(id=id, **PAYMENT_METHODS[id])

    @app.get("/v1/balance_transactions")
    def list_movements() -> Response:
        limit = min(max(request.args.get("limit", 20, int), 1), LARGEST_PAGE)
        found, more = bank.movements_after(request.args.get("starting_after"), limit)
        return jsonify(data=found, has_more=more)

    @app.post("/_control/refunds")
    def refund() -> Response:
        return jsonify(bank.reverse("refund", json_body()))

    @app.post("/_control/disputes")
    def dispute() -> Response:
        return jsonify(bank.reverse("dispute", json_body()))

    @app.post("/_control/disputes/<id>")
    def close_dispute(id: str) -> Response:
        return jsonify(bank.close(id, str(json_body().get("status"))))

    return app


def order_body() -> dict[str, Any]:
    body = json_body()
    amount, currency, reference = body.get("amount"), body.get("currency"), body.get("reference")
    if type(amount) is not int or amount <= 0:
        raise ApiError(400, "invalid_request", "amount is a positive integer of minor units")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isupper()):
        raise ApiError(400, "invalid_request", "currency is an ISO 4217 code")
    if not (isinstance(reference, str) and 0 < len(reference) <= 100):
        raise ApiError(400, "invalid_request", "reference has 1 to 100 characters")
    return {"amount": amount, "currency": currency, "reference": reference}


def destination() -> dict[str, Any]:
    given = json_body().get("destination")
    names = ("method", "account_holder", "account_details")
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in names):
        raise ApiError(400, "invalid_request", f"destination has {', '.join(names)}")
    return {name: given[name] for name in names}


def idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= 255:
        raise ApiError(400, "invalid_request", "Idempotency-Key is required")
    return key


def serve(port: int, api_key: str, webhook_secret: str, public_url: str) -> BaseWSGIServer:
    def sign(body: str) -> dict[str, str]:
        at = int(time.time())
        digest = hmac.new(webhook_secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"Sandbox-Signature": f"t={at},v1={digest}"}

    schedule = Schedule()
    webhooks = Webhooks(f"{public_url.rstrip('/')}/v1/webhooks/sandbox", sign, schedule)
    return unreliable.listening(port, create_app(Bank(webhooks, schedule), api_key))


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    public_url = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000")
    try:
        port, key = int(os.environ.get("SANDBOX_PORT", "8092")), os.environ["SANDBOX_API_KEY"]
        server = serve(port, key, os.environ["SANDBOX_WEBHOOK_SECRET"], public_url)
        others = {
            "Stripe": stripe.from_environ(os.environ, public_url),
            "PayPal": paypal.from_environ(os.environ, public_url),
        }
    except KeyError as missing:
        print(f"{missing.args[0]} is not set.", file=sys.stderr)
        return 2
    print(f"The payment sandbox listens on http://127.0.0.1:{server.server_port}", flush=True)
    for name, other in others.items():
        if other is not None:
            Thread(target=other.serve_forever, daemon=True).start()
            print(f"The stand-in of {name} listens on http://127.0.0.1:{other.server_port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
