"""Where a worker turns requests away that have waited for too long, by their bytes alone.

Refusing has to cost next to nothing: what comes twice as fast as it can be served is refused as often as it
is served. So nothing is parsed, logged or authenticated, and nothing but the one answer is made. A request
whose end is not certain at a glance is left to the parser, and to `gateway.admission`.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client import Counter

from chassis.errors import ServiceUnavailable
from gateway import headers, problems
from gateway.observability import REQUEST_ID
from gateway.waiting import Patience, StandingQueue, waited

log = logging.getLogger(__name__)

SHED = Counter("gateway_requests_shed_total", "Requests that were turned away unread", ["reason"])

# Whoever asks whether we are well must hear it, and what a provider reports must not be lost to a rush.
EXEMPT = ("/health/", "/metrics", "/v1/webhooks/")
RETRY_SECONDS = 1

# Some turns of a loop that is busy and keeps up. Who is refused must hear of it within 50 ms.
PATIENCE = Patience(target=0.03, interval=0.1, fewest=16)
# One in so many seconds is let in however late it is: a worker that others slow down must not serve nobody.
TRICKLE_SECONDS = 0.1
SECONDS_BETWEEN_LINES = 1.0
SECONDS_TO_REMEMBER = 1.0
MOST_SHAPES = 256
SHORTEST_ID = 26

REQUEST_LINE = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE) (/[\x21-\x7e]*) HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,6})\r\n")
CONNECTION = re.compile(rb"\r\nconnection: *(keep-alive|close)\r\n")
# One of these, or a second length, makes it a matter of the parser where the request ends.
NOT_AT_A_GLANCE = (b"transfer-encoding", b"expect", b"upgrade")
OWN_ID = re.compile(rb"\r\nx-request-id: *([\x21-\x7e]+)\r\n", re.IGNORECASE)
ORIGIN = re.compile(rb"\r\norigin: *([\x21-\x7e]+)\r\n", re.IGNORECASE)


class Overloaded(ServiceUnavailable):
    code, title = "overloaded", "Service Unavailable"

    def __init__(self) -> None:
        super().__init__("There is more to do than we can. Try again in a moment.")


class Whole(NamedTuple):
    """A request that was there in one piece, and whose end is certain."""

    path: str
    head: bytes
    closes: bool


def whole(data: bytes) -> Whole | None:
    """None for whatever could be read in two ways, and for what has not come completely."""
    line = REQUEST_LINE.match(data)
    end = data.find(b"\r\n\r\n") + 4
    if line is None or end < 4:
        return None
    head = data[: end - 2]
    lower = head.lower()
    length = LENGTH.search(lower)
    connection = CONNECTION.search(lower)
    if (
        any(name in lower for name in NOT_AT_A_GLANCE)
        or lower.count(b"content-length") != (1 if length else 0)
        or lower.count(b"\nconnection") != (1 if connection else 0)
        or len(data) != end + (int(length[1]) if length else 0)
    ):
        return None
    return Whole(line[1].decode(), head, connection is not None and connection[1] == b"close")


class Door:
    """One process's. It is shut to whom waited too long, and to whom waits for a service that is full."""

    def __init__(
        self, origins: Container[str | None] = frozenset(), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._origins = origins
        self._now = now
        self._queue = StandingQueue(PATIENCE)
        self._let_in_at = float("-inf")
        self._full: dict[str, Full] = {}
        self._turned_away = 0
        self._told_at = float("-inf")

    def is_shut(self, connection: Any) -> bool:
        """For the request whose turn has come on this connection."""
        now = self._now()
        if self._queue.note(waited(connection), now) and now - self._let_in_at < TRICKLE_SECONDS:
            return True
        self._let_in_at = now
        return False

    def learn(self, path: str, is_full: Callable[[], bool]) -> None:
        """One with this path was let in and then refused by a bulkhead, which costs ten times as much."""
        if len(self._full) < MOST_SHAPES:
            self._full[shape(path)] = Full(is_full, self._now() + SECONDS_TO_REMEMBER)

    def refusal(self, data: bytes, *, is_shut: bool) -> Refusal | None:
        """The answer to who is turned away; None for who may go on, or is a matter of the parser."""
        if not is_shut and not self._full:
            return None
        request = whole(data)
        if request is None or request.path.startswith(EXEMPT):
            return None
        if not is_shut and not self._is_full(shape(request.path)):
            return None
        self._note()
        return Refusal(answer(request, self._origins), request.closes)

    def _is_full(self, shape: str) -> bool:
        now = self._now()
        self._full = {name: full for name, full in self._full.items() if full.is_remembered(now)}
        return shape in self._full and self._full[shape].is_full()

    def _note(self) -> None:
        """A line for each would cost more than the answer does."""
        SHED.labels(Overloaded.code).inc()
        self._turned_away += 1
        if self._now() - self._told_at >= SECONDS_BETWEEN_LINES:
            log.warning("more comes than can be served: %s requests were turned away", self._turned_away)
            self._turned_away, self._told_at = 0, self._now()


@dataclass
class Full:
    """What requests of one shape wait for; asked each time, since what is full has room now and then."""

    is_full: Callable[[], bool]
    until: float

    def is_remembered(self, now: float) -> bool:
        if self.is_full():
            self.until = now + SECONDS_TO_REMEMBER
        return now < self.until


def shape(path: str) -> str:
    """A path without what names one thing in it: ids and tokens are longer than any word of ours."""
    parts = path.partition("?")[0].split("/")
    return "/".join("*" if len(part) >= SHORTEST_ID else part for part in parts)


class Refusal:
    """What gunicorn gets in a message's place: the answer to it, and what gunicorn asks of every message."""

    proxy_protocol_info = None
    body = io.BytesIO()

    def __init__(self, answer: bytes, closes: bool) -> None:
        self.refused_with = answer
        self._closes = closes

    def should_close(self) -> bool:
        return self._closes


def answer(request: Whole, origins: Container[str | None]) -> bytes:
    found = OWN_ID.search(request.head)
    given = found[1].decode() if found else ""
    request_id = given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
    body = BODY.replace(b"?", request_id.encode())
    fields = [f"Content-Length: {len(body)}", f"X-Request-Id: {request_id}"]
    if request.closes:
        fields.append("Connection: close")
    if origin := ORIGIN.search(request.head):
        fields += [f"{name}: {value}" for name, value in headers.sharing(origin[1].decode(), origins).items()]
    return HEAD + "\r\n".join(fields).encode() + b"\r\n\r\n" + body


def _head() -> bytes:
    fields = {
        "Content-Type": problems.CONTENT_TYPE,
        "Retry-After": str(RETRY_SECONDS),
        **headers.HARDENED,
    }
    lines = [f"HTTP/1.1 {Overloaded.status} {Overloaded.title}", *(f"{n}: {v}" for n, v in fields.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _body() -> bytes:
    """With a question mark for the request's id."""
    error = Overloaded()
    told = problems.document(error.status, error.code, error.title, error.detail, "?")
    return json.dumps(told).encode()


HEAD, BODY = _head(), _body()
