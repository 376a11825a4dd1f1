"""Request ids, traces, access logs and metrics of HTTP."""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import ExitStack
from functools import lru_cache

from flask import Flask, Request, Response, g, request
from prometheus_client import Counter, Histogram

from chassis import context, tracing
from chassis.context import CallContext
from gateway.logfilter import without_token
from gateway.parsing import refuse_nul

log = logging.getLogger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# Asked for every few seconds by machines: worth counting, not worth a line each.
UNLOGGED = frozenset({"/health/live", "/health/ready", "/metrics"})

HTTP_SECONDS = Histogram(
    "http_request_seconds",
    "Time until a response begins",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
HTTP_RESPONSES = Counter("http_responses_total", "Responses by status", ["method", "route", "status"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register(app: Flask) -> None:
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(leave)


def begin() -> None:
    # Each look through Flask's proxies costs as much as the attribute does, so these take what is behind.
    asked, here = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
    here.started = time.monotonic()
    here.request_id = known_or_new_request_id(asked.headers.get("X-Request-Id", ""))
    traceparent = sound_traceparent(asked)
    if tracing.is_recording():
        here.span = ExitStack()
        span = tracing.span(f"{asked.method} {route(asked)}", tracing.SERVER, traceparent)
        traceparent = here.span.enter_context(span)
    context.enter(CallContext(request_id=here.request_id, traceparent=traceparent))
    refuse_nul(asked)


def finish(response: Response) -> Response:
    asked, here = request._get_current_object(), g._get_current_object()  # type: ignore[attr-defined]
    seconds = time.monotonic() - here.started
    status, matched = response.status_code, route(asked)
    method = asked.method if asked.method in METHODS else "OTHER"
    duration, responses = counted(method, matched, status)
    duration.observe(seconds)
    responses.inc()
    response.headers["X-Request-Id"] = here.request_id
    if asked.path not in UNLOGGED:
        log.info(
            "%s %s %s",
            asked.method,
            without_token(asked.path),
            status,
            extra={"route": matched, "status": status, "seconds": round(seconds, 4)},
        )
    return response


@lru_cache(maxsize=4096)
def counted(method: str, route: str, status: int) -> tuple[Histogram, Counter]:
    """The library's own look-up takes a lock and builds a key each time."""
    return HTTP_SECONDS.labels(method, route), HTTP_RESPONSES.labels(method, route, status)


def leave(_error: BaseException | None) -> None:
    if "span" in g:
        g.span.close()


def known_or_new_request_id(given: str) -> str:
    """The client's id when it is fit to be logged, else one of ours."""
    return given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def sound_traceparent(asked: Request) -> str | None:
    given = asked.headers.get("traceparent", "")
    return given if TRACEPARENT.fullmatch(given) else None


def route(asked: Request) -> str:
    return asked.url_rule.rule if asked.url_rule else "unmatched"
