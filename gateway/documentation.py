"""What any route may answer, whatever its view says, for the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

JSON = "application/json"
WITH_BODY = frozenset({"post", "put", "patch"})
NOT_MODIFIED = {
    "description": "The answer is the one whose ETag was sent in If-None-Match",
    "headers": {"ETag": {"schema": {"type": "string"}}},
}


def with_common_answers(
    doc: dict[str, Any], _info: dict[str, Any], *, method: str, **_: Any
) -> dict[str, Any]:
    """A step of flask-smorest's preparation of an operation; problems are named by their status."""
    responses = doc.setdefault("responses", {})
    if method in WITH_BODY:
        responses.setdefault("408", HTTPStatus.REQUEST_TIMEOUT.name)
    if method == "get" and JSON in content_of(responses):
        responses.setdefault("304", NOT_MODIFIED)
    responses.setdefault("503", HTTPStatus.SERVICE_UNAVAILABLE.name)
    return doc


def content_of(responses: dict[Any, Any]) -> dict[str, Any]:
    """What a 200 holds; flask-smorest writes statuses as numbers or as text."""
    response = responses.get("200", responses.get(200, {}))
    content: dict[str, Any] = response.get("content", {}) if isinstance(response, dict) else {}
    return content
