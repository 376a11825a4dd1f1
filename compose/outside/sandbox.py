"""A payment provider for the local stack: takes payments, pays out, and tells by signed webhooks.

    SANDBOX_PORT=8092 SANDBOX_API_KEY=… SANDBOX_WEBHOOK_SECRET=… PUBLIC_URL=http://127.0.0.1:8000 \
        python -m compose.outside.sandbox

It listens on loopback alone, moves no money and keeps everything in memory. The API wants
`Authorization: Bearer <key>`; orders are idempotent by their `Idempotency-Key`. Every payment and payout
is settled after `delay_seconds` and told to {PUBLIC_URL}/v1/webhooks/sandbox until that answers with 2xx.
PUT /_control tells it to misbehave; what is left out stays as it is:

    {"fail_next": 2}        the next two calls are answered with 500 and do nothing
    {"lose_next": 1}        the next call does its work and is answered with 500 all the same
    {"delay_seconds": 3}    payments and payouts take so long
    {"duplicate": true}     every webhook is sent twice
    {"reorder": true}       every other webhook is overtaken by the one after it
    {"fail_payments": true} and {"fail_payouts": true}
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from itertools import count
from threading import Condition, Lock, Thread
from typing import Any

import httpx
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

log = logging.getLogger(__name__)

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
WEBHOOK_TIMEOUT_SECONDS = 5
WEBHOOK_SENDERS = 4
FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 10
# Longer than a webhook on its way, so that the next one does overtake it.
OVERTAKEN_SECONDS = 0.5


class ApiError(Exception):
    """Answered as {"error": {"type", "message"}}."""

    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(message)
        self.status, self.type, self.message = status, type, message


@dataclass(frozen=True)
class Behaviour:
    fail_next: int = 0
    lose_next: int = 0
    delay_seconds: float = 0.1
    duplicate: bool = False
    reorder: bool = False
    fail_payments: bool = False
    fail_payouts: bool = False

    def fails(self, kind: str) -> bool:
        return self.fail_payments if kind == PAYMENT else self.fail_payouts


class Schedule:
    """Calls functions at their time, on a few threads."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._changed = Condition()
        self._workers = ThreadPoolExecutor(WEBHOOK_SENDERS)
        Thread(target=self._run, daemon=True).start()

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), call))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            self._workers.submit(self._next())

    def _next(self) -> Callable[[], None]:
        with self._changed:
            while True:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait)


class Webhooks:
    """Signs events and posts them until they are taken."""

    def __init__(self, url: str, secret: str, schedule: Schedule) -> None:
        self._url, self._secret, self._schedule = url, secret.encode(), schedule
        self._client = httpx.Client(timeout=WEBHOOK_TIMEOUT_SECONDS)
        self._sent = count()

    def send(self, type: str, subject: Mapping[str, Any], behaviour: Behaviour) -> None:
        event = {
            "id": new_id("evt"),
            "type": type,
            "created": int(time.time()),
            "data": {"object": public(subject)},
        }
        body = json.dumps(event, separators=(",", ":"))
        overtaken = behaviour.reorder and next(self._sent) % 2 == 0
        for _ in range(2 if behaviour.duplicate else 1):
            self._schedule.after(OVERTAKEN_SECONDS if overtaken else 0, lambda: self._attempt(body, 0))

    def _attempt(self, body: str, attempts: int) -> None:
        if not self._taken(body):
            wait = min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), LONGEST_RETRY_SECONDS)
            self._schedule.after(wait, lambda: self._attempt(body, attempts + 1))

    def _taken(self, body: str) -> bool:
        headers = {"Content-Type": "application/json", "Sandbox-Signature": self._signature(body)}
        try:
            return self._client.post(self._url, content=body, headers=headers).is_success
        except httpx.HTTPError as error:
            log.warning("the webhook could not be delivered: %s", type(error).__name__)
            return False

    def _signature(self, body: str) -> str:
        """Signed anew for each attempt, since a receiver takes no old signature."""
        at = int(time.time())
        digest = hmac.new(self._secret, f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return f"t={at},v1={digest}"


@dataclass
class Bank:
    """The objects, by kind and id, and the money that moved."""

    webhooks: Webhooks
    schedule: Schedule
    behaviour: Behaviour = field(default_factory=Behaviour)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    orders: dict[tuple[str, str], tuple[dict[str, Any], str]] = field(default_factory=dict)
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

    def control(self, changes: Mapping[str, Any]) -> Behaviour:
        with self.lock:
            self.behaviour = replace(self.behaviour, **changes)
            return self.behaviour

    def take_fault(self, name: str) -> bool:
        """True as often as the behaviour asks for this fault."""
        with self.lock:
            left: int = getattr(self.behaviour, name)
            if left > 0:
                self.behaviour = replace(self.behaviour, **{name: left - 1})  # type: ignore[arg-type]
            return left > 0

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
        self.schedule.after(self.behaviour.delay_seconds, lambda: self._settle(kind, made["id"]))
        return dict(made)

    def _settle(self, kind: str, id: str) -> None:
        with self.lock:
            settled, behaviour = self.objects[kind, id], self.behaviour
            if behaviour.fails(kind):
                settled.update(status="failed", failure_reason=FAILURE_REASON[kind])
                event = FAILURE_EVENT[kind]
            else:
                settled["status"] = SUCCESS[kind]
                event = f"{kind}.{SUCCESS[kind]}"
                self.movements.append(movement_of(kind, settled))
            told = dict(settled)
        self.webhooks.send(event, told, behaviour)


def movement_of(kind: str, settled: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id("bt"),
        "type": "payment" if kind == PAYMENT else "payout",
        "amount": settled["amount"] if kind == PAYMENT else -settled["amount"],
        "currency": settled["currency"],
        "source": settled["id"],
        "reference": settled["reference"],
        "created": int(time.time()),
    }


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def public(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Without the destination, which nobody needs to read again."""
    return {name: value for name, value in subject.items() if name != "destination"}


def create_app(bank: Bank, api_key: str) -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024

    @app.before_request
    def admit() -> None:
        if not request.path.startswith("/v1/"):
            return
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {api_key}".encode()):
            raise ApiError(401, "unauthorized", "the API key is missing or wrong")
        if bank.take_fault("fail_next"):
            raise ApiError(500, "api_error", "told to fail")

    @app.after_request
    def lose(answer: Response) -> Response:
        if request.path.startswith("/v1/") and answer.status_code < 300 and bank.take_fault("lose_next"):
            return failed(ApiError(500, "api_error", "told to lose the answer"))
        return answer

    @app.errorhandler(ApiError)
    def failed(error: ApiError) -> Response:
        answer = jsonify(error={"type": error.type, "message": error.message})
        answer.status_code = error.status
        return answer

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return failed(ApiError(error.code or 500, "invalid_request", error.description or ""))

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

    @app.put("/_control")
    def control() -> Response:
        behaviour = bank.control(control_body())
        return jsonify({f.name: getattr(behaviour, f.name) for f in fields(behaviour)})

    return app


def json_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_request", "the body is not a JSON object")
    return body


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


def control_body() -> dict[str, Any]:
    known = {f.name: type(f.default) for f in fields(Behaviour)}
    changes = json_body()
    for name, value in changes.items():
        wanted = known.get(name)
        fits = type(value) is wanted or (wanted is float and type(value) is int)
        if wanted is None or not fits or value < 0:
            raise ApiError(400, "invalid_request", f"{name} is not understood")
    return changes


class QuietHandler(WSGIRequestHandler):
    """Reports errors alone; a line for every request would bury them."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def serve(port: int, api_key: str, webhook_secret: str, public_url: str) -> BaseWSGIServer:
    """A server that is bound and waits for `serve_forever`; port 0 takes any that is free."""
    schedule = Schedule()
    webhooks = Webhooks(f"{public_url.rstrip('/')}/v1/webhooks/sandbox", webhook_secret, schedule)
    app = create_app(Bank(webhooks, schedule), api_key)
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        port, key = int(os.environ.get("SANDBOX_PORT", "8092")), os.environ["SANDBOX_API_KEY"]
        secret = os.environ["SANDBOX_WEBHOOK_SECRET"]
    except KeyError as missing:
        print(f"{missing.args[0]} is not set.", file=sys.stderr)
        return 2
    server = serve(port, key, secret, os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000"))
    print(f"The payment sandbox listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
