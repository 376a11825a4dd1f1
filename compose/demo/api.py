"""The platform as an HTTP client sees it."""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

Session = dict[str, Any]
"""What a log-in is answered with: the account, its tokens and how many seconds the first of them holds."""

TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 40.0
PAGE = 100


class DemoFailed(Exception):
    """The platform did not do what the demo expects; the message says what, where.

    `status` is that of the answer, and 0 when there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@cache
def authorities() -> ssl.SSLContext:
    """Reading them takes longer than a request, and every account has a client of its own."""
    return httpx.create_ssl_context()


class Api:
    """One account's (or nobody's) view of the platform."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, verify=authorities()
        )
        self.base_url, self.token = base_url, token or ""

    def signed_in(self, session: Session, again: Callable[[], Session]) -> Api:
        """The same platform as this account sees it; `again` logs it in once more, for who stays long."""
        return Api(self.base_url, session["access_token"])

    def get(self, path: str, **query: Any) -> Any:
        """Reading again is harmless, so a platform that is busy or restarts is asked again for a while."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = self._client.get(path, params=query)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up:
                return self._answer(response, "GET", path)
            time.sleep(POLL_SECONDS)

    def post(self, path: str, body: Any = None) -> Any:
        """What met another change of the same thing has changed nothing, and is asked for again."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            response = self._client.post(path, json=body, headers=headers)
            if not met_another_change(response) or time.monotonic() > give_up:
                return self._answer(response, "POST", path)
            time.sleep(POLL_SECONDS)

    def put(self, path: str, body: Any) -> Any:
        return self._answer(self._client.put(path, json=body), "PUT", path)

    def patch(self, path: str, body: Any) -> Any:
        return self._answer(self._client.patch(path, json=body), "PATCH", path)

    def upload(self, path: str, filename: str, content: bytes, kind: str) -> Any:
        response = self._client.post(path, **upload_form(filename, content, kind))
        return self._answer(response, "POST", path)

    def download(self, path: str) -> httpx.Response:
        response = self._client.get(path)
        if response.status_code != httpx.codes.OK:
            raise DemoFailed(f"GET {path.partition('?')[0]} answered {response.status_code}")
        return response

    def every(self, path: str, **query: Any) -> Iterator[Any]:
        """The items of all pages of a list."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=PAGE, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    @staticmethod
    def _answer(response: httpx.Response, method: str, path: str) -> Any:
        if response.is_success:
            return response.json() if response.content else None
        status = response.status_code
        raise DemoFailed(f"{method} {path} answered {status}: {response.text[:500]}", status)


def upload_form(filename: str, content: bytes, kind: str) -> dict[str, Any]:
    return {"files": {"file": (filename, content)}, "data": {"kind": kind}}


def met_another_change(response: httpx.Response) -> bool:
    if response.status_code != httpx.codes.CONFLICT:
        return False
    return str(response.json().get("code", "")).endswith(".concurrent_update")


def until(what: str, check: Callable[[], T | None], deadline: float = 30.0) -> T:
    """Wait until `check` returns something true, and return that."""
    give_up = time.monotonic() + deadline
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > give_up:
            raise DemoFailed(f"{what}: not within {deadline:.0f} s")
        time.sleep(POLL_SECONDS)
