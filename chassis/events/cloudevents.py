"""Events on the wire: CloudEvents 1.0, structured JSON (https://cloudevents.io).

The content type stays application/json, so that a stock Nameko subscriber decodes the message; its
handler is given the whole CloudEvent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from amqp.basic_message import Message

from chassis.event import ReceivedEvent
from chassis.times import parse_rfc3339, rfc3339

MAX_EVENT_BYTES = 1024 * 1024

# As stock Nameko names the exchange of a service's events.
EXCHANGE_SUFFIX = ".events"


class Malformed(Exception):
    """The message is not an event, and never will be one."""


def envelope(
    *,
    id: str,
    service: str,
    type: str,
    version: int,
    subject: str,
    time: datetime,
    data: dict[str, Any],
    actor: str | None = None,
    session: str | None = None,
) -> bytes:
    """The bytes of a CloudEvent; `eventversion`, `actor` and `session` are extension attributes of ours."""
    caused = {"actor": actor, "session": session}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id,
            "source": f"/{service}",
            "type": type,
            "subject": subject,
            "time": rfc3339(time),
            "datacontenttype": "application/json",
            "eventversion": version,
            **{name: value for name, value in caused.items() if value},
            "data": data,
        }
    )


def parse(message: Message) -> ReceivedEvent:
    """The event in a message; Malformed when there is none."""
    if message.properties.get("content_type") != "application/json":
        raise Malformed("the content type is not application/json")
    if len(message.body) > MAX_EVENT_BYTES:
        raise Malformed("the event is too large")
    try:
        raw = orjson.loads(message.body)
        event = ReceivedEvent(
            id=_text(raw["id"]),
            type=_text(raw["type"]),
            source=_text(raw["source"]).lstrip("/"),
            time=parse_rfc3339(raw["time"]),
            subject=_text(raw.get("subject", "")),
            version=int(raw.get("eventversion", 1)),
            data=_object(raw["data"]),
            actor=_text(raw["actor"]) if "actor" in raw else None,
            session=_text(raw["session"]) if "session" in raw else None,
            request_id=_request_id(message),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"it is not a CloudEvent ({type(error).__name__})") from error
    _check_came_from_its_source(event, message.delivery_info or {})
    return event


def _request_id(message: Message) -> str | None:
    given = (message.headers or {}).get("request_id")
    return given if isinstance(given, str) else None


def _check_came_from_its_source(event: ReceivedEvent, delivery: dict[str, Any]) -> None:
    """The broker lets only a service write to its own exchange; what a message says of itself proves nothing.

    What is tried again was checked when it first came, and returns through the receiver's own exchange.
    """
    exchange = str(delivery.get("exchange", ""))
    if not exchange.endswith(EXCHANGE_SUFFIX):
        return
    if (exchange, delivery.get("routing_key")) != (f"{event.source}{EXCHANGE_SUFFIX}", event.type):
        raise Malformed("it names another publisher or type than it came by")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value
