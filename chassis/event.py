"""Events as data: what services declare in their events.py, and what a handler receives."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self

from chassis.money import Money
from chassis.times import parse_rfc3339, rfc3339


class Event:
    """Base of the frozen dataclasses in a service's events.py.

    `type` is past tense and is the routing key; `version` grows when a change is not additive;
    `aggregate` names the field that identifies the aggregate.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1
    aggregate: ClassVar[str]

    @property
    def aggregate_id(self) -> str:
        return str(getattr(self, self.aggregate))

    def to_data(self) -> dict[str, Any]:
        """The event's fields as JSON values."""
        return {name: _to_json(getattr(self, name)) for name in _names(typing.cast(Any, type(self)))}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """The inverse of `to_data`; unknown members are ignored, since changes are additive."""
        hints = _hints(typing.cast(Any, cls))
        return cls(**{name: _from_json(hint, data[name]) for name, hint in hints.items() if name in data})


PLAIN = (str, int, bool, float, type(None))


def _to_json(value: Any) -> Any:
    # First and by exact type, since a batch of showings is some five hundred of these.
    if type(value) in PLAIN:
        return value
    if isinstance(value, Money):
        return value.to_dict()
    if isinstance(value, datetime):
        return rfc3339(value)
    if dataclasses.is_dataclass(value):
        return {name: _to_json(getattr(value, name)) for name in _names(typing.cast(Any, type(value)))}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return value


@cache
def _names(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


@cache
def _hints(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _from_json(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        return _from_json(inner, value)
    if origin in (list, tuple):
        items = [_from_json(typing.get_args(hint)[0], item) for item in value]
        return tuple(items) if origin is tuple else items
    if hint is Money:
        return Money.from_dict(value)
    if hint is datetime:
        return parse_rfc3339(value)
    if dataclasses.is_dataclass(hint):
        hints = _hints(typing.cast(type, hint))
        return hint(**{n: _from_json(h, value[n]) for n, h in hints.items() if n in value})  # type: ignore[operator]
    return value


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event that came in: the attributes of its CloudEvent, and its data as plain JSON.

    `subject` is the aggregate's id; `actor` is who caused it, `session` and `request_id` in which one, where
    that is known. The order in which events arrive is not promised.
    """

    id: str
    type: str
    source: str
    time: datetime
    subject: str
    version: int
    data: dict[str, Any]
    actor: str | None = None
    session: str | None = None
    request_id: str | None = None
