"""What the stand-ins for payment providers share: they can be told to fail, delay, duplicate and reorder.

PUT /_control says how; what is left out stays as it is:

    {"fail_next": 2}        the next two calls are answered with 500 and do nothing
    {"lose_next": 1}        the next order is carried out and answered with 500 all the same
    {"delay_seconds": 3}    payments and payouts take so long
    {"duplicate": true}     every webhook is sent twice
    {"reorder": true}       every other webhook is overtaken by the one after it
    {"fail_payments": true} and {"fail_payouts": true}
"""

from __future__ import annotations

import heapq
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from itertools import count
from threading import Condition, Lock, Thread
from typing import Any

import httpx
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
WEBHOOK_TIMEOUT_SECONDS = 5
WEBHOOK_SENDERS = 4
FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 10
# Longer than a webhook on its way, so that the next one does overtake it.
OVERTAKEN_SECONDS = 0.5

Sign = Callable[[str], Mapping[str, str]]
"""The headers that a webhook with this body is sent with."""


class ApiError(Exception):
    """How the provider refuses a call; each writes its own body from it."""

    def __init__(self, status: int, type: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.type, self.message, self.more = status, type, message, more


@dataclass(frozen=True)
class Behaviour:
    fail_next: int = 0
    lose_next: int = 0
    delay_seconds: float = 0.1
    duplicate: bool = False
    reorder: bool = False
    fail_payments: bool = False
    fail_payouts: bool = False


class Schedule:
    """Calls functions at their time, on a few threads."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._changed = Condition()
        self._workers = ThreadPoolExecutor(WEBHOOK_SENDERS)
        Thread(target=self._run, daemon=True).start()

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), call))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            self._workers.submit(self._next())

    def _next(self) -> Callable[[], object]:
        with self._changed:
            while True:
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(wait)


class Webhooks:
    """Posts events until they are taken, signed anew each time: a receiver takes no old signature."""

    def __init__(self, url: str, sign: Sign, schedule: Schedule) -> None:
        self._url, self._sign, self._schedule = url, sign, schedule
        self._client = httpx.Client(timeout=WEBHOOK_TIMEOUT_SECONDS)
        self._sent = count()

    def send(self, body: str, behaviour: Behaviour) -> None:
        overtaken = behaviour.reorder and next(self._sent) % 2 == 0
        for _ in range(2 if behaviour.duplicate else 1):
            self._schedule.after(OVERTAKEN_SECONDS if overtaken else 0, lambda: self._attempt(body, 0))

    def _attempt(self, body: str, attempts: int) -> None:
        if not self._taken(body):
            wait = min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), LONGEST_RETRY_SECONDS)
            self._schedule.after(wait, lambda: self._attempt(body, attempts + 1))

    def _taken(self, body: str) -> bool:
        headers = {"Content-Type": "application/json", **self._sign(body)}
        try:
            return self._client.post(self._url, content=body, headers=headers).is_success
        except httpx.HTTPError as error:
            log.warning("the webhook could not be delivered: %s", type(error).__name__)
            return False


class Faults:
    """The behaviour, as it is now."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self._lock = Lock()

    def control(self, changes: Mapping[str, Any]) -> Behaviour:
        with self._lock:
            self.behaviour = replace(self.behaviour, **changes)
            return self.behaviour

    def take(self, name: str) -> bool:
        """True as often as the behaviour asks for this fault."""
        with self._lock:
            left: int = getattr(self.behaviour, name)
            if left > 0:
                self.behaviour = replace(self.behaviour, **{name: left - 1})  # type: ignore[arg-type]
            return left > 0


def create_app(
    name: str, faults: Faults, admit: Callable[[], None], error_body: Callable[[ApiError], dict[str, Any]]
) -> Flask:
    """An app whose paths below /v1 and /v2 want what `admit` asks for and fail as they are told to."""
    app = Flask(name)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    @app.before_request
    def admit_and_fail() -> None:
        if is_api():
            admit()
            if faults.take("fail_next"):
                raise ApiError(500, "api_error", "told to fail")

    @app.after_request
    def lose(answer: Response) -> Response:
        if is_order() and answer.status_code < 300 and faults.take("lose_next"):
            return failed(ApiError(500, "api_error", "told to lose the answer"))
        return answer

    @app.errorhandler(ApiError)
    def failed(error: ApiError) -> Response:
        answer = jsonify(error_body(error))
        answer.status_code = error.status
        return answer

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return failed(ApiError(error.code or 500, "invalid_request_error", error.description or ""))

    @app.put("/_control")
    def control() -> Response:
        behaviour = faults.control(control_body())
        return jsonify({f.name: getattr(behaviour, f.name) for f in fields(behaviour)})

    return app


def is_api() -> bool:
    return request.path.startswith(("/v1/", "/v2/"))


def is_order() -> bool:
    return is_api() and request.method == "POST" and not request.path.endswith("/token")


def json_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_request_error", "the body is not a JSON object")
    return body


def control_body() -> dict[str, Any]:
    known = {f.name: type(f.default) for f in fields(Behaviour)}
    changes = json_body()
    for name, value in changes.items():
        wanted = known.get(name)
        fits = type(value) is wanted or (wanted is float and type(value) is int)
        if wanted is None or not fits or value < 0:
            raise ApiError(400, "invalid_request_error", f"{name} is not understood")
    return changes


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


class QuietHandler(WSGIRequestHandler):
    """Reports errors alone; a line for every request would bury them."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def listening(port: int, app: Flask) -> BaseWSGIServer:
    """A server that is bound and waits for `serve_forever`; port 0 takes any that is free."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
