"""The first to see a request: waits for its body for a bounded time, and turns away what is too much.

A request takes a place only once its body is there, so that clients who send slowly hold none. It gives the
place back when its response begins, so that event streams and slow readers hold none either.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import gevent
from prometheus_client import Counter

from gateway.settings import GatewaySettings

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SHED = Counter("gateway_requests_shed_total", "Requests that were turned away unread", ["reason"])

# Whoever asks whether we are well must hear it, and what a provider reports must not be lost to a rush.
EXEMPT = ("/health/", "/metrics", "/v1/webhooks/")
# A file is streamed and not held, and may take its time.
STREAMED = "/v1/assets"


class SlowBody(Exception):
    """A body did not come in time."""


class Admission:
    def __init__(self, app: Wsgi, settings: GatewaySettings) -> None:
        self._app = app
        self._places = settings.max_in_flight
        self._body_seconds = settings.body_seconds
        self._max_body = settings.max_body_bytes
        self.in_flight = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        try:
            if path != STREAMED:
                self._read_body(environ)
        except SlowBody:
            return refuse(
                start_response, "408 Request Timeout", "request_timeout", "The body came too slowly."
            )
        if path == STREAMED or path.startswith(EXEMPT):
            return self._app(environ, start_response)
        if self.in_flight >= self._places:
            detail = "There is more to do than we can. Try again in a moment."
            return refuse(start_response, "503 Service Unavailable", "overloaded", detail)
        self.in_flight += 1
        try:
            return self._app(environ, start_response)
        finally:
            self.in_flight -= 1

    def _read_body(self, environ: dict[str, Any]) -> None:
        """What is too long is left where it is: it is refused further in, unread."""
        length = environ.get("CONTENT_LENGTH") or "0"
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        if not is_chunked and (not length.isdecimal() or not 0 < int(length) <= self._max_body):
            return
        with gevent.Timeout(self._body_seconds, SlowBody) if self._body_seconds else nullcontext():
            body = environ["wsgi.input"].read(self._max_body + 1 if is_chunked else int(length))
        environ["wsgi.input"] = io.BytesIO(body)


def refuse(start_response: Callable[..., Any], status: str, code: str, detail: str) -> Iterable[bytes]:
    """A problem document, made without anything of the application: that is what there is too little of."""
    SHED.labels(code).inc()
    number, _, title = status.partition(" ")
    problem = {
        "type": f"urn:gametriggers:problem:{code}",
        "title": title,
        "status": int(number),
        "detail": detail,
        "code": code,
        "request_id": "",
    }
    body = json.dumps(problem).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    # A body that is still coming would be taken for the next request.
    headers.append(("Connection", "close") if number == "408" else ("Retry-After", "1"))
    start_response(status, headers)
    return [body]
