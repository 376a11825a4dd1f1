"""Every error leaves as a problem document (RFC 9457), whatever raised it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from chassis.errors import Error, Internal, StepUpRequired
from gateway.breakers import IS_FULL, BulkheadFull

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RESERVED = frozenset({"type", "title", "status", "detail", "code", "request_id", "errors"})

# Codes for what HTTP itself refuses; all others follow from the name of the status.
HTTP_CODES = {413: "too_large", 416: "range_not_satisfiable"}


def register(app: Flask) -> None:
    app.register_error_handler(Error, from_error)
    app.register_error_handler(HTTPException, from_http_exception)
    app.register_error_handler(Exception, from_bug)


def from_error(error: Error) -> Response:
    """A 500 says nothing about its cause: that is in the log, under the request id."""
    if not 400 <= error.status <= 599:
        return from_error(Internal())
    if isinstance(error, BulkheadFull):
        request.environ[IS_FULL] = error.is_full
    detail = error.detail if error.status != 500 else ""
    extra = {key: value for key, value in error.extra.items() if key not in RESERVED}
    if "errors" in error.extra:
        extra["errors"] = dict(flatten(error.extra["errors"]))
    return respond(error.status, error.code, error.title, detail, extra, headers_for(error))


def from_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    code = HTTP_CODES.get(status, error.name.lower().replace(" ", "_"))
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return respond(status, code, error.name, error.description or "", {}, headers)


def from_bug(error: Exception) -> Response:
    log.error("Unexpected error", exc_info=error)
    return from_error(Internal())


def headers_for(error: Error) -> dict[str, str]:
    if error.code == StepUpRequired.code:
        return {"WWW-Authenticate": step_up_challenge(error)}
    if error.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="gametriggers", error="invalid_token"'}
    if "retry_after" in error.extra:
        return {"Retry-After": str(error.extra["retry_after"])}
    return {}


def step_up_challenge(error: Error) -> str:
    """The challenge of RFC 9470, from an error that may have come over RPC."""
    asked = {name: error.extra[name] for name in ("acr_values", "max_age") if name in error.extra}
    wishes = "".join(f', {name}="{value}"' for name, value in asked.items())
    return f'Bearer realm="gametriggers", error="{error.code}"{wishes}'


def respond(
    status: int,
    code: str,
    title: str,
    detail: str,
    extra: Mapping[str, Any],
    headers: Mapping[str, str],
) -> Response:
    body = {**document(status, code, title, detail, g.get("request_id", "")), **extra}
    response = Response(json.dumps(body), status, dict(headers), content_type=CONTENT_TYPE)
    if status in (408, 413):
        # What is left of the body is not read, so the connection cannot carry another request.
        response.headers["Connection"] = "close"
    return response


def document(status: int, code: str, title: str, detail: str, request_id: str) -> dict[str, Any]:
    return {
        "type": f"urn:gametriggers:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        "request_id": request_id,
    }


def flatten(errors: Any, path: str = "") -> Iterator[tuple[str, list[str]]]:
    """Messages by dotted field name, from marshmallow's nested ones: `creatives.0.weight`."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from flatten(inner, path if name == "_schema" else f"{path}.{name}".strip("."))
    elif isinstance(errors, list):
        yield path or "_schema", [str(message) for message in errors]
    else:
        yield path or "_schema", [str(errors)]
