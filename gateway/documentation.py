"""What any route may answer, whatever its view says, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from flask import Flask

from gateway import conditional

WITH_BODY = frozenset({"post", "put", "patch"})
UNSAFE = WITH_BODY | {"delete"}
# What has an id of some kind in its path, and asks no service.
UNASKED = frozenset({"overlay_get_page", "media_get_media"})
# What is answered without asking anybody, however much there is to do.
ALWAYS_SERVED = frozenset({"operations_is_live", "operations_get_metrics"})
# Who asks whether we are well, and what a provider reports: gateway.admission.EXEMPT.
UNLIMITED = ALWAYS_SERVED | {"operations_is_ready", "payment_receive_webhook"}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "Sent again under its key within a day, the same request is not done again: it is "
    "answered as before, with `Idempotency-Replayed: true`. 409 while the first is being served, 422 "
    "when the key was used for another content. Answers with 401, 403, 408, 429 and 5xx are not kept.",
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The ETag of what was read, from an answer to GET or PATCH: the change is made to that "
    "version, and to a later one not at all (412).",
}
NOT_MODIFIED = {
    "description": "The answer is the one whose ETag was sent in If-None-Match",
    "headers": {"ETag": {"schema": {"type": "string"}}},
}


def with_common_answers(
    doc: dict[str, Any], info: dict[str, Any], *, app: Flask, method: str, **_: Any
) -> dict[str, Any]:
    """A step of flask-smorest's preparation of an operation; problems are named by their status.

    What a view documents for itself is merged into this afterwards.
    """
    responses = doc.setdefault("responses", {})
    if method in UNSAFE:
        doc["parameters"] = [*doc.get("parameters", []), IDEMPOTENCY_KEY]
    own = info.get("manual_doc", {})
    if "412" in own.get("responses", {}):
        doc["parameters"].append(IF_MATCH)
    if method == "get" and not conditional.TAGGED.isdisjoint(
        {*content_of(responses), *content_of(own.get("responses", {}))}
    ):
        responses.setdefault("304", NOT_MODIFIED)
    [rule] = app.url_map.iter_rules(info["endpoint"])
    places = {parameter["in"] for parameter in [*doc.get("parameters", []), *own.get("parameters", [])]}
    places |= {"path"} if rule.arguments else set()
    places |= {"body"} if "requestBody" in doc or "requestBody" in own else set()
    places |= {"header"} if "security" in own else set()
    for status in common_refusals(doc.get("operationId", ""), method, places):
        responses.setdefault(str(status), HTTPStatus(status).name)
    return doc


def schema_of(content_type: str) -> dict[str, Any]:
    """What has no schema of ours is an object of JSON, a text, or bytes without a word more."""
    if content_type == "application/json":
        return {"type": "object"}
    is_text = content_type.startswith("text/") or content_type.endswith("xml")
    return {"type": "string"} if is_text else {"type": "string", "format": "binary"}


def common_refusals(operation: str, method: str, places: Collection[str]) -> set[int]:
    """What the gateway may answer to such a request, or any service that is asked for it.

    `places` are those that the client fills in: path, query, header, body.
    """
    # An address with NUL, an If-Match without quotes, a body that is no JSON.
    refusals = {400}
    if "path" in places:
        refusals |= {404}
    # An id of another kind is none to a service.
    if "path" in places and operation not in UNASKED:
        refusals |= {422}
    if "path" in places or "query" in places:
        refusals |= {414}
    if "header" in places:
        refusals |= {431}
    if "body" in places:
        refusals |= {415, 422}
    if method in WITH_BODY:
        refusals |= {408, 413}
    if method in UNSAFE:
        refusals |= {409, 422}
    if operation not in UNLIMITED:
        refusals |= {429}
    if operation not in ALWAYS_SERVED:
        refusals |= {503}
    return refusals


def content_of(responses: dict[Any, Any]) -> dict[str, Any]:
    """What a 200 holds; flask-smorest writes statuses as numbers or as text."""
    response = responses.get("200", responses.get(200, {}))
    content: dict[str, Any] = response.get("content", {}) if isinstance(response, dict) else {}
    return content
