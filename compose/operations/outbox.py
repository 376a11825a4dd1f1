"""`outbox status`: events that are stored and not published yet, and those of them that nobody listens to."""

from __future__ import annotations

from typing import TypedDict

from chassis.events.outbox import Backlog
from chassis.events.topology import events_exchange
from compose import table
from compose.errors import ComposeError
from compose.operations import ages, stores
from compose.operations.access import Access, broker_answers, chosen
from compose.operations.management import Management


class Outbox(TypedDict):
    """`unroutable` counts the unpublished events to whose type no queue is bound at this moment; None while
    the broker does not tell."""

    service: str
    unpublished: int
    unroutable: int | None
    oldest_seconds: float | None
    types: dict[str, int]


class Overview(TypedDict):
    outboxes: list[Outbox]
    errors: list[str]


def overview(access: Access, service: str) -> Overview:
    """Outboxes grow while the broker is away, so they are told without it too."""
    answers = stores.ask(access, chosen(service), lambda found: found.outbox.backlog())
    errors = stores.errors(answers)
    try:
        with broker_answers(), Management(access) as management:
            keys: dict[str, set[str]] | None = management.routing_keys()
    except ComposeError as error:
        keys = None
        errors.append(str(error))
    outboxes = [of(answer.service, answer.value, keys) for answer in answers if answer.value is not None]
    return {"outboxes": outboxes, "errors": errors}


def of(service: str, backlog: list[Backlog], keys: dict[str, set[str]] | None) -> Outbox:
    oldest = min((waiting.oldest for waiting in backlog), default=None)
    return {
        "service": service,
        "unpublished": sum(waiting.count for waiting in backlog),
        "unroutable": None
        if keys is None
        else unroutable(backlog, keys.get(events_exchange(service), set())),
        "oldest_seconds": ages.seconds_since(oldest),
        "types": {waiting.type: waiting.count for waiting in backlog},
    }


def unroutable(backlog: list[Backlog], keys: set[str]) -> int:
    return sum(waiting.count for waiting in backlog if not any(matches(key, waiting.type) for key in keys))


def matches(binding_key: str, event_type: str) -> bool:
    """Whether a topic exchange routes an event to a queue that is bound so. A type is a single word, which
    leaves three ways: it is named, it is any one word (*), or it is one of any number of words (#)."""
    words = [word for word in binding_key.split(".") if word != "#"]
    if not words:
        return "#" in binding_key
    return len(words) == 1 and words[0] in ("*", event_type)


def as_text(found: Overview) -> str:
    rows = [("SERVICE", "UNPUBLISHED", "UNROUTABLE", "OLDEST", "TYPES")]
    rows += [
        (
            outbox["service"],
            str(outbox["unpublished"]),
            ages.UNKNOWN if outbox["unroutable"] is None else str(outbox["unroutable"]),
            ages.as_text(outbox["oldest_seconds"]),
            ", ".join(f"{name} {count}" for name, count in outbox["types"].items()),
        )
        for outbox in found["outboxes"]
    ]
    return table.render(rows)
