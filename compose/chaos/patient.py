"""A client as a real one should be: what was not answered is asked again, under the same idempotency key."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from contextlib import AbstractContextManager
from threading import Event, Lock
from typing import Any

import httpx

from compose.demo.api import Api, DemoFailed

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.3


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


class PatientApi(Api):
    def __init__(self, base_url: str, answers: Answers, token: str | None = None) -> None:
        super().__init__(base_url, token)
        self.answers = answers

    def signed_in(self, token: str) -> Api:
        return PatientApi(self.base_url, self.answers, token)

    def get(self, path: str, **query: Any) -> Any:
        return self._patiently("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        return self._patiently("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def put(self, path: str, body: Any) -> Any:
        return self._patiently("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        return self._patiently("PATCH", path, json=body)

    def once(self, path: str) -> bool:
        """Whether it is answered at this moment."""
        return self._ask("GET", path) == httpx.codes.OK

    def stream(self, path: str, silence: float) -> AbstractContextManager[httpx.Response]:
        """An event stream, asked for once. It may be silent for so many seconds."""
        return self._client.stream("GET", path, timeout=silence)

    def _patiently(self, method: str, path: str, **request: Any) -> Any:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = self._response(method, path, **request)
            if response is not None and (is_settled(response) or time.monotonic() > give_up):
                return self._answer(response, method, path)
            if time.monotonic() > give_up or self.answers.stopped.wait(PAUSE_SECONDS):
                raise DemoFailed(f"{method} {path} was not answered")

    def _ask(self, method: str, path: str) -> int:
        response = self._response(method, path)
        return response.status_code if response is not None else 0

    def _response(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        started = time.monotonic()
        try:
            response = self._client.request(method, path, **request)
        except httpx.TransportError as error:
            self.answers.note(type(error).__name__, time.monotonic() - started, f"{method} {path}")
            return None
        what = f"{method} {path} {response.headers.get('X-Request-Id')}"
        self.answers.note(str(response.status_code), time.monotonic() - started, what)
        return response


def is_settled(response: httpx.Response) -> bool:
    """False too while what was sent before is, or is taken to be, still under way."""
    return response.status_code < 500 and '"idempotency.in_flight"' not in response.text
