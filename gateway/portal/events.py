"""The AsyncAPI document as a page shows it: events by service, with their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any


@dataclass(frozen=True)
class Field:
    """`depth` says within how many objects it lies."""

    name: str
    type: str
    depth: int
    is_required: bool


@dataclass(frozen=True)
class PublishedEvent:
    service: str
    name: str
    version: int
    summary: str
    subject: str
    exchange: str
    fields: Sequence[Field]


@dataclass(frozen=True)
class PublishingService:
    name: str
    events: Sequence[PublishedEvent]


def services_of(document: Mapping[str, Any]) -> list[PublishingService]:
    """Alphabetical; empty without a document."""
    messages = document.get("components", {}).get("messages", {})
    channels = document.get("channels", {})
    events = [published(key, messages[key], channels[key]) for key in sorted(messages) if key in channels]
    return [
        PublishingService(name, list(group)) for name, group in groupby(events, lambda event: event.service)
    ]


def published(key: str, message: Mapping[str, Any], channel: Mapping[str, Any]) -> PublishedEvent:
    properties = message["payload"]["properties"]
    return PublishedEvent(
        service=key.partition(".")[0],
        name=message["name"],
        version=properties["eventversion"]["const"],
        summary=message["summary"].replace("`", ""),
        subject=properties["subject"]["description"],
        exchange=channel["bindings"]["amqp"]["exchange"]["name"],
        fields=list(fields_of(properties["data"], 0)),
    )


def fields_of(schema: Mapping[str, Any], depth: int) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        yield Field(name, type_of(value), depth, name in required)
        yield from fields_of(value.get("items", value), depth + 1)


def type_of(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(type_of(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "any")))
