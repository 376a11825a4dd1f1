"""The first to see a request that the door let in: waits for its body for a bounded time.

A request takes a place only once its body is there, so that clients who send slowly hold none. It gives the
place back when its response begins, so that event streams and slow readers hold none either. A file is read
while it is served, so uploads have a few places of their own, and each piece of one has to come in time.
"""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

import gevent

from chassis import context
from chassis.context import CallContext
from chassis.errors import Error
from gateway import headers, observability, problems
from gateway.breakers import IS_FULL
from gateway.door import EXEMPT, RETRY_SECONDS, SHED, Door, Overloaded
from gateway.logfilter import without_token
from gateway.rates.addresses import Proxies
from gateway.rates.limiter import Limiter, LimitsUnavailable, RateLimited
from gateway.rates.requests import count_address, rate_headers
from gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# A file is streamed and not held, and may take its time.
STREAMED = "/v1/assets"


class SlowBody(Error):
    code, status, title = "request_timeout", 408, "Request Timeout"


@dataclass
class Places:
    """As a context it holds one place; Overloaded when none is free."""

    limit: int
    taken: int = 0

    def __enter__(self) -> None:
        if self.taken >= self.limit:
            raise Overloaded
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.taken -= 1


class Admission:
    def __init__(self, app: Wsgi, settings: GatewaySettings, limiter: Callable[[], Limiter]) -> None:
        self._app = app
        self._settings = settings
        self._limiter = limiter
        self._proxies = Proxies(settings.trusted_proxies)
        self._origins = frozenset(settings.cors_origins)
        self.requests = Places(settings.max_in_flight)
        self.uploads = Places(settings.max_uploads)
        self.door = Door(self._origins)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        started = time.monotonic()
        if self._proxies:
            peer, chain = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
            environ["REMOTE_ADDR"] = self._proxies.client_of(peer, chain)

        def start(status: str, fields: list[tuple[str, str]], *rest: Any) -> Any:
            if is_full := environ.get(IS_FULL):
                self.door.learn(path, is_full)
            return start_response(status, [*fields, *rate_headers(environ)], *rest)

        is_exempt = path.startswith(EXEMPT)
        try:
            # The door has seen it, and could not tell from its bytes where it ends.
            if not is_exempt and getattr(environ.get("gunicorn.socket"), "is_late", False):
                raise Overloaded
            if path == STREAMED:
                environ["wsgi.input"] = Paced(environ["wsgi.input"], self._settings.body_seconds)
                places = self.uploads
            else:
                self._read_body(environ)
                places = self.requests
            if is_exempt:
                return self._app(environ, start)
            count_address(environ, self._limiter())
            with places:
                return self._app(environ, start)
        except (SlowBody, Overloaded, RateLimited, LimitsUnavailable) as error:
            return self._refuse(environ, start, error, time.monotonic() - started)

    def _read_body(self, environ: dict[str, Any]) -> None:
        """What is too long is left where it is: it is refused further in, unread."""
        length = environ.get("CONTENT_LENGTH") or "0"
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        if not is_chunked and (
            not length.isdecimal() or not 0 < int(length) <= self._settings.max_body_bytes
        ):
            return
        body = Paced(environ["wsgi.input"], self._settings.body_seconds)
        size = self._settings.max_body_bytes + 1 if is_chunked else int(length)
        environ["wsgi.input"] = io.BytesIO(body.read(size))

    def _refuse(
        self, environ: dict[str, Any], start_response: Callable[..., Any], error: Error, seconds: float
    ) -> Iterable[bytes]:
        """Answers without anything of the application: that is what there is too little of."""
        SHED.labels(error.code).inc()
        request_id = observability.known_or_new_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        context.enter(CallContext(request_id=request_id))
        log.info(
            "%s %s %s",
            environ.get("REQUEST_METHOD"),
            without_token(environ.get("PATH_INFO", "")),
            error.status,
            extra={"route": "unmatched", "status": error.status, "seconds": round(seconds, 4)},
        )
        told = problems.document(error.status, error.code, error.title, error.detail, request_id)
        extra = {name: value for name, value in error.extra.items() if name != "retry_after"}
        body = json.dumps({**told, **extra})
        # A body that is still coming would be taken for the next request.
        wait = str(error.extra.get("retry_after", RETRY_SECONDS))
        then = ("Connection", "close") if error.status == 408 else ("Retry-After", wait)
        start_response(
            f"{error.status} {error.title}",
            [
                ("Content-Type", problems.CONTENT_TYPE),
                ("Content-Length", str(len(body))),
                ("X-Request-Id", request_id),
                *headers.HARDENED.items(),
                *headers.sharing(environ.get("HTTP_ORIGIN"), self._origins).items(),
                then,
            ],
        )
        return [body.encode()]


class Paced:
    """A body of which each piece that is asked for has to be there within `seconds`; 0 waits for ever."""

    def __init__(self, body: IO[bytes], seconds: float) -> None:
        self._body = body
        self._seconds = seconds

    def read(self, size: int = -1) -> bytes:
        late = SlowBody("The body came too slowly.")
        with gevent.Timeout(self._seconds or None, late):
            return self._body.read(size)
