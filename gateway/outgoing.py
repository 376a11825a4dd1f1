"""What brands' servers are sent, as the section `webhooks` of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from apispec import APISpec

from gateway import examples
from gateway.rest import schema_name
from notification.schemas import WEBHOOKS, Webhook

HEADERS = {
    "webhook-id": "The same in every attempt: do what it asks for once per id.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970: refuse what is minutes old.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 over id, timestamp and body, joined by "
    "full stops, under the endpoint's secret (Standard Webhooks). While a secret is being rotated there are "
    "two of them, separated by a space: one that fits is enough.",
}
ANSWERS = {
    "2XX": "Accepted. Any other answer, or none within 15 seconds, is followed by another attempt.",
    "410": "No more, please: the endpoint is disabled.",
}


def document(spec: APISpec) -> None:
    for webhook in WEBHOOKS.values():
        spec.components.schema(schema_name(webhook.schema), schema=webhook.schema)
    spec.options["webhooks"] = {name: {"post": operation(webhook)} for name, webhook in WEBHOOKS.items()}


def operation(webhook: Webhook) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema_name(webhook.schema)}"}
    media = {"schema": reference, "example": examples.sent(webhook.name)}
    return {
        "operationId": "webhook_" + webhook.name.replace(".", "_"),
        "tags": ["webhooks"],
        "summary": webhook.summary,
        "parameters": [header(name, text) for name, text in HEADERS.items()],
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": {status: {"description": text} for status, text in ANSWERS.items()},
        "security": [],
    }


def header(name: str, description: str) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": True,
        "schema": {"type": "string"},
        "description": description,
    }
