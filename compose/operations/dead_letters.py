"""`dead-letters`: look at messages that were given up, send them back to their queue, or throw them away.

Replaying twice is harmless: the inbox of a handler stops an event that it has handled.
"""

from __future__ import annotations

import json
from typing import Any

from chassis.errors import NotFound
from chassis.events.dead_letters import DeadLetter, DeadLetterQueue
from compose import table
from compose.errors import ComposeError
from compose.operations import ages
from compose.operations.access import Access, broker_answers, chosen
from compose.stack import only_one_at_a_time

LONGEST_REASON = 70

Letter = dict[str, Any]


def of(access: Access, service: str, limit: int) -> list[Letter]:
    """The first letters of one service or of each, oldest first."""
    with broker_answers(), only_one_at_a_time(access.lock):
        return [
            as_letter(name, letter)
            for name in chosen(service)
            for letter in DeadLetterQueue(access.amqp_uri, name).list(limit)
        ]


def with_id(access: Access, service: str, letter_id: str) -> list[Letter]:
    """Several handlers of one service may have given up the same event, so there may be several."""
    with broker_answers(), only_one_at_a_time(access.lock):
        found = [
            as_letter(name, letter)
            for name in chosen(service)
            for letter in DeadLetterQueue(access.amqp_uri, name).find(letter_id)
        ]
    if not found:
        raise unknown(service, letter_id)
    return found


def replay(access: Access, service: str, letter_id: str | None) -> dict[str, int]:
    """How many were sent back, by service."""
    return each(access, service, letter_id, lambda queue: queue.replay(letter_id))


def drop(access: Access, service: str, letter_id: str | None) -> dict[str, int]:
    """How many were thrown away, by service."""
    return each(access, service, letter_id, lambda queue: queue.drop(letter_id))


def each(access: Access, service: str, letter_id: str | None, act: Any) -> dict[str, int]:
    with broker_answers(), only_one_at_a_time(access.lock):
        try:
            return {name: act(DeadLetterQueue(access.amqp_uri, name)) for name in chosen(service)}
        except NotFound:
            raise unknown(service, str(letter_id)) from None


def unknown(service: str, letter_id: str) -> ComposeError:
    return ComposeError(
        f"{service} has no dead letter {letter_id}; perhaps it was replayed or dropped before. "
        f"'dead-letters list {service}' shows those that there are."
    )


def as_letter(service: str, letter: DeadLetter) -> Letter:
    return {
        "service": service,
        **letter.to_dict(),
        "event_age_seconds": ages.seconds_since_event(letter.body),
    }


def as_text(letters: list[Letter]) -> str:
    if not letters:
        return "There are no dead letters."
    rows = [("SERVICE", "ID", "QUEUE", "ATTEMPTS", "EVENT AGE", "REASON")]
    rows += [
        (
            letter["service"],
            letter["id"],
            letter["queue"],
            str(letter["attempts"]),
            ages.as_text(letter["event_age_seconds"]),
            shortened(letter["reason"]),
        )
        for letter in letters
    ]
    return table.render(rows)


def shortened(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def in_full(letters: list[Letter]) -> str:
    return "\n\n".join(one_in_full(letter) for letter in letters)


def one_in_full(letter: Letter) -> str:
    body = letter["body"]
    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    rows = [(key, str(letter[key])) for key in ("service", "id", "queue", "attempts", "reason")]
    return f"{table.render(rows)}\n{text}"


def told(verb: str, counts: dict[str, int]) -> str:
    if not any(counts.values()):
        return "There are no dead letters."
    return "\n".join(f"{service}: {verb} {count}" for service, count in counts.items() if count)
