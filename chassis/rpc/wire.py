"""The envelope of an RPC message, as stock Nameko 2.14 writes and reads it.

exchange     nameko-rpc (topic, durable)
request to   queue rpc-<service>, routing key <service>.<method>
             {"args": [...], "kwargs": {...}}, reply_to, correlation_id, headers nameko.*
reply to     exchange nameko-rpc, routing key = reply_to
             {"result": ..., "error": null | {"exc_type", "exc_path", "exc_args", "value"}}
"""

from __future__ import annotations

from typing import Any

import orjson

from chassis.context import CallContext

EXCHANGE = "nameko-rpc"
HEADER_PREFIX = "nameko."
CONTENT_TYPE = "application/json"
TRANSIENT = 1
PARENT_CALLS = 10
"""How many calls before its own a call tells of: as many as stock Nameko."""

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Larger messages belong into the object store; reading them as JSON would stop the hub."""


def request_queue(service: str) -> str:
    return f"rpc-{service}"


def routing_key(service: str, method: str) -> str:
    return f"{service}.{method}"


def headers(context: CallContext, call_id: str, deadline_ms: int) -> dict[str, Any]:
    """The headers of a request; stock Nameko ignores those that it does not know."""
    values: dict[str, Any] = {
        f"{HEADER_PREFIX}call_id_stack": [*context.call_id_stack[-PARENT_CALLS:], call_id],
        f"{HEADER_PREFIX}deadline_ms": deadline_ms,
    }
    for name in ("auth_token", "request_id", "traceparent"):
        value = getattr(context, name)
        if value is not None:
            values[f"{HEADER_PREFIX}{name}"] = value
    return values


def strip_prefix(raw: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix(HEADER_PREFIX): value for key, value in raw.items()}


def dump(value: Any) -> bytes:
    """JSON bytes; TypeError for what JSON can't say."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def load(body: bytes | str) -> Any:
    """The JSON value of a message body; ValueError when it is none."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("the message is too large")
    return orjson.loads(body)
