"""A client as a real one should be: what was not answered is asked again, under the same idempotency key.

It stays for longer than an access token holds, so it refreshes its tokens in time, and logs in again when
its session has ended.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import httpx

from compose.demo.api import Api, DemoFailed, Session, upload_form
from compose.demo.overlays import Answer, Delivery, Overlay

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.3
PASSING = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)
"""These are about this moment and not about the request."""

REFRESHED_AFTER = 0.6
"""Of a token's time: what is left is long enough for an identity service that is away for some minutes."""


class Answers:
    """What all clients of a run were told, and how long the slowest answer took.

    `first` is what was asked when a status came for the first time. Nobody asks again once `stopped` is set.
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self.slowest = 0.0
        self.stopped = Event()
        self._lock = Lock()

    def note(self, status: str, seconds: float, what: str) -> None:
        with self._lock:
            self.first.setdefault(status, what)
            self.statuses[status] += 1
            self.slowest = max(self.slowest, seconds)


@dataclass
class Tokens:
    """Of one account. While one thread renews them, the others go on with those that there are."""

    session: Session
    again: Callable[[], Session]

    def __post_init__(self) -> None:
        self.lock = Lock()
        self.keep(self.session)

    def keep(self, session: Session) -> None:
        self.session = session
        self.renew_at = time.monotonic() + REFRESHED_AFTER * session["expires_in"]

    @property
    def are_old(self) -> bool:
        return time.monotonic() >= self.renew_at


class PatientApi(Api):
    """`tokens` are those of an account, or None for anybody."""

    def __init__(self, base_url: str, answers: Answers, tokens: Tokens | None = None) -> None:
        super().__init__(base_url, tokens.session["access_token"] if tokens else None)
        self.answers = answers
        self._tokens = tokens

    def signed_in(self, session: Session, again: Callable[[], Session]) -> Api:
        return PatientApi(self.base_url, self.answers, Tokens(session, again))

    def get(self, path: str, **query: Any) -> Any:
        return self._patiently("GET", path, params=query)[0]

    def post(self, path: str, body: Any = None) -> Any:
        return self.tell(path, body)[0]

    def tell(self, path: str, body: Any = None, key: str = "") -> tuple[Any, bool]:
        """A POST; and whether an answer was lost before this one came: then it may have been done before."""
        return self._patiently("POST", path, json=body, headers=idempotent(key))

    def put(self, path: str, body: Any) -> Any:
        return self._patiently("PUT", path, json=body, headers=idempotent())[0]

    def patch(self, path: str, body: Any) -> Any:
        return self._patiently("PATCH", path, json=body, headers=idempotent())[0]

    def upload(self, path: str, filename: str, content: bytes, kind: str) -> Any:
        form = upload_form(filename, content, kind)
        return self._patiently("POST", path, headers=idempotent(), **form)[0]

    def once(self, path: str) -> bool:
        """Whether it is answered at this moment."""
        response = self._response("GET", path)
        return response is not None and response.status_code == httpx.codes.OK

    def stream(self, path: str, silence: float) -> AbstractContextManager[httpx.Response]:
        """An event stream, asked for once. It may be silent for so many seconds."""
        return self._client.stream("GET", path, timeout=silence)

    def _patiently(self, method: str, path: str, **request: Any) -> tuple[Any, bool]:
        give_up = time.monotonic() + PATIENCE_SECONDS
        answer_was_lost = False
        while True:
            response = self._response(method, path, **request)
            if response is not None and (is_settled(response) or time.monotonic() > give_up):
                return self._answer(response, method, path), answer_was_lost
            answer_was_lost = True
            if time.monotonic() > give_up or self.answers.stopped.wait(PAUSE_SECONDS):
                raise DemoFailed(f"{method} {path} was not answered")

    def _response(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        self._keep_tokens_fresh()
        return self._try(self._client, method, path, **request)

    def _try(self, client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response | None:
        started = time.monotonic()
        try:
            response = client.request(method, path, **request)
        except httpx.TransportError as error:
            self.answers.note(type(error).__name__, time.monotonic() - started, f"{method} {path}")
            return None
        what = f"{method} {path} {response.headers.get('X-Request-Id')}"
        self.answers.note(str(response.status_code), time.monotonic() - started, what)
        return response

    def _keep_tokens_fresh(self) -> None:
        tokens = self._tokens
        if tokens is None or not tokens.are_old or not tokens.lock.acquire(blocking=False):
            return
        try:
            self._renew(tokens)
        finally:
            tokens.lock.release()

    def _renew(self, tokens: Tokens) -> None:
        """By the refresh token. A family that died, since an answer was lost for too long, needs a log-in."""
        body = {"refresh_token": tokens.session["refresh_token"]}
        response = self._try(self._client, "POST", "/v1/auth/refresh", json=body)
        if response is not None and response.is_success:
            tokens.keep(response.json())
        elif response is not None and response.status_code == httpx.codes.UNAUTHORIZED:
            tokens.keep(tokens.again())
        else:
            return
        self._client.headers["Authorization"] = f"Bearer {tokens.session['access_token']}"


class PatientOverlay(Overlay):
    """Asks again under one key. Only who knows that an answer was lost can tell what `replayed` means."""

    api: PatientApi

    def _deliver(self, batch: list[Delivery]) -> tuple[Answer, bool]:
        return self.api.tell(f"/overlay/{self.token}/deliveries", self._body(batch))


def idempotent(key: str = "") -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def is_settled(response: httpx.Response) -> bool:
    """False too while what was sent before is, or is taken to be, still under way."""
    status = response.status_code
    return status < 500 and status not in PASSING and '"idempotency.in_flight"' not in response.text
