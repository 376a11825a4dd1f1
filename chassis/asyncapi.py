"""The AsyncAPI 3 document and the JSON Schemas of events, generated from the services' events.py."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any

from chassis.event import Event
from chassis.events.topology import events_exchange
from chassis.money import Money


def event_classes(module: ModuleType) -> list[type[Event]]:
    """The events that a module defines, by type."""
    found = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Event) and value.__module__ == module.__name__ and hasattr(value, "type")
    ]
    return sorted(found, key=lambda event: event.type)


def document(modules: Mapping[str, ModuleType], title: str, version: str) -> dict[str, Any]:
    """An AsyncAPI 3 document; `modules` maps a service's name to its events module."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for service, module in sorted(modules.items()):
        for event in event_classes(module):
            key = f"{service}.{event.type}"
            messages[key] = _message(service, event)
            channels[key] = _channel(service, event, key)
            operations[f"publish.{key}"] = {"action": "send", "channel": {"$ref": f"#/channels/{key}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _channel(service: str, event: type[Event], key: str) -> dict[str, Any]:
    exchange = {"name": events_exchange(service), "type": "topic", "durable": True}
    return {
        "address": event.type,
        "messages": {event.type: {"$ref": f"#/components/messages/{key}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
    }


def _message(service: str, event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "summary": (inspect.getdoc(event) or "").partition("\n")[0],
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "eventversion", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string"},
                "source": {"const": f"/{service}"},
                "type": {"const": event.type},
                "subject": {"type": "string", "description": f"the {event.aggregate}"},
                "time": {"type": "string", "format": "date-time"},
                "eventversion": {"const": event.version},
                "actor": {"type": "string", "description": "whoever caused it, where that is known"},
                "session": {"type": "string", "description": "the session in which they did"},
                "data": schema_of(event),
            },
        },
    }


def schema_of(cls: Any) -> dict[str, Any]:
    """The JSON Schema of a dataclass; members may be added, so further ones are allowed."""
    hints = typing.get_type_hints(cls)
    members = {field.name: _schema(hints[field.name]) for field in dataclasses.fields(cls)}
    required = [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {"type": "object", "required": required, "properties": members}


_SIMPLE: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}


def _schema(hint: Any) -> dict[str, Any]:
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if hint is Money or dataclasses.is_dataclass(hint):
        return schema_of(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema(argument) for argument in arguments]}
    if origin in (list, tuple):
        return {"type": "array", "items": _schema(arguments[0])}
    if hint is type(None):
        return {"type": "null"}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    return {"type": "object"}
