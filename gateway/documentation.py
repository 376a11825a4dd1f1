"""What any route may answer, whatever its view says, for the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

JSON = "application/json"
WITH_BODY = frozenset({"post", "put", "patch"})
UNSAFE = WITH_BODY | {"delete"}
# Who asks whether we are well, and what a provider reports: gateway.admission.EXEMPT.
UNLIMITED = frozenset(
    {"operations_is_live", "operations_is_ready", "operations_get_metrics", "payment_receive_webhook"}
)
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
    doc: dict[str, Any], info: dict[str, Any], *, method: str, **_: Any
) -> dict[str, Any]:
    """A step of flask-smorest's preparation of an operation; problems are named by their status."""
    responses = doc.setdefault("responses", {})
    if method in WITH_BODY:
        responses.setdefault("408", HTTPStatus.REQUEST_TIMEOUT.name)
    if method in UNSAFE:
        doc["parameters"] = [*doc.get("parameters", []), IDEMPOTENCY_KEY]
        responses.setdefault("409", HTTPStatus.CONFLICT.name)
        responses.setdefault("422", HTTPStatus.UNPROCESSABLE_ENTITY.name)
    if "412" in info.get("manual_doc", {}).get("responses", {}):
        doc["parameters"].append(IF_MATCH)
    if method == "get" and JSON in content_of(responses):
        responses.setdefault("304", NOT_MODIFIED)
    if doc.get("operationId") not in UNLIMITED:
        responses.setdefault("429", HTTPStatus.TOO_MANY_REQUESTS.name)
    responses.setdefault("503", HTTPStatus.SERVICE_UNAVAILABLE.name)
    return doc


def content_of(responses: dict[Any, Any]) -> dict[str, Any]:
    """What a 200 holds; flask-smorest writes statuses as numbers or as text."""
    response = responses.get("200", responses.get(200, {}))
    content: dict[str, Any] = response.get("content", {}) if isinstance(response, dict) else {}
    return content
