"""How long ago something was, for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from typeid import TypeID
from typeid.errors import TypeIDException

from chassis.times import parse_rfc3339

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))
UNKNOWN = "-"


def seconds_since(moment: datetime | None) -> float | None:
    return None if moment is None else round((datetime.now(UTC) - moment).total_seconds(), 1)


def seconds_since_event(body: bytes | str) -> float | None:
    """Since the moment that a CloudEvent names; None for what is no event."""
    try:
        return seconds_since(parse_rfc3339(json.loads(body)["time"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def seconds_since_id(event_id: str) -> float | None:
    """A TypeID begins with the milliseconds since 1970 at which it was made (UUID version 7, RFC 9562)."""
    try:
        return seconds_since(TypeID.from_string(event_id).created_at)
    except TypeIDException:
        return None


def as_text(seconds: float | None) -> str:
    """A whole number of the largest unit that fits: 41 s, 3 min, 7 h, 2 d."""
    if seconds is None:
        return UNKNOWN
    for unit, length in UNITS:
        if abs(seconds) >= length:
            return f"{int(seconds / length)} {unit}"
    return f"{int(seconds)} s"
