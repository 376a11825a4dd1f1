"""Calls to the services, in the context of the request that is being served."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, jsonify, request

from chassis import context
from chassis.ids import new_id
from chassis.rpc import wire
from gateway import conditional
from gateway.idempotency import given_key
from gateway.rates.policies import READS
from gateway.rates.requests import CLASS
from gateway.state import state


def call(service: str, method: str, body: dict[str, Any] | None = None, timeout: float | None = None) -> Any:
    """A read that nobody took is asked once more, within its deadline, while few of them need that."""
    here = state()

    def ask(timeout: float | None) -> Any:
        return here.connection.call(service, method, body or {}, timeout=timeout, context=context.current())

    if request.method not in READS or request.environ.get(CLASS) == "auth":
        return ask(timeout)
    deadline = here.settings.rpc_deadline if timeout is None else timeout
    return here.retries.run(service, lambda took: ask(deadline - took if took else timeout))


def answer(
    service: str,
    method: str,
    body: dict[str, Any] | None = None,
    status: int = 200,
    timeout: float | None = None,
) -> Response:
    """The service's answer, as it is, with this status."""
    response = jsonify(call(service, method, body, timeout))
    response.status_code = status
    return response


def read(service: str, method: str, body: dict[str, Any] | None = None) -> Response:
    """As `answer`, for a method that only reads: equal questions of one account that come at once are one."""
    text, _ = shared(service, method, body)
    return Response(text, mimetype="application/json")


def read_version(service: str, method: str, body: dict[str, Any] | None = None) -> Response:
    """As `read`, of a resource that can be changed; its ETag begins with its version."""
    text, version = shared(service, method, body)
    response = Response(text, mimetype="application/json")
    response.headers["ETag"] = conditional.tag(text, version)
    return response


def shared(service: str, method: str, body: dict[str, Any] | None) -> tuple[bytes, int | None]:
    """The JSON that a service answers, and the version that it says.

    The answer is never older than the question. A request that is traced asks for itself.
    """

    def ask(_: list[None]) -> tuple[bytes, int | None]:
        told = call(service, method, body)
        return orjson.dumps(told), told.get("version")

    asked_by = context.current()
    if asked_by.traceparent is not None:
        return ask([])
    return state().reads.share((service, method, wire.dump(body), asked_by.auth_token), None, ask)


def changed(service: str, method: str, body: dict[str, Any]) -> Response:
    """The resource as it is after a change; its ETag begins with its new version."""
    told = call(service, method, body)
    response = jsonify(told)
    response.headers["ETag"] = conditional.tag(response.get_data(), told.get("version"))
    return response


def no_content(service: str, method: str, body: dict[str, Any] | None = None) -> Response:
    call(service, method, body)
    return Response(status=204)


def created(service: str, method: str, body: dict[str, Any], location: str = "") -> Response:
    """201 with the new resource; `location` is the collection's path, to which its id is appended."""
    made = call(service, method, body)
    response = jsonify(made)
    response.status_code = 201
    if location:
        response.headers["Location"] = f"{location}/{made['id']}"
    return response


def idempotency_key() -> str:
    """The client's key; a fresh one when it sent none, so that every command carries one."""
    return given_key() or new_id("idk")
