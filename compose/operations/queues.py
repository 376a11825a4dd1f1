"""`queues`: what waits where, how fast it moves, how old it is, and what was given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypedDict

from chassis.events.dead_letters import LOOK_AT_MOST, DeadLetterQueue
from compose import table
from compose.names import SERVICES
from compose.operations import ages, peek
from compose.operations.access import Access, broker_answers
from compose.operations.management import Management
from compose.stack import only_one_at_a_time

HANDLER, REQUESTS, REPLIES, DELAY, DEAD_LETTERS, LISTENER, OTHER, GONE = (
    "handler",
    "requests",
    "replies",
    "delay",
    "dead letters",
    "listener",
    "other",
    "gone",
)
ALWAYS_SHOWN = (HANDLER, REQUESTS, GONE)


class QueueStatus(TypedDict):
    """Rates are messages a second. `oldest_seconds` is the age of the event that is first in the queue; an
    RPC request has none, since it is dropped when its deadline has passed."""

    name: str
    kind: str
    depth: int
    waiting: int
    in_hand: int
    in_per_second: float
    out_per_second: float
    consumers: int
    oldest_seconds: float | None
    dead_letters: int


class Overview(TypedDict):
    queues: list[QueueStatus]
    waiting: int
    dead_letters: int
    warnings: list[str]


def overview(access: Access) -> Overview:
    with broker_answers():
        with Management(access) as management:
            found = management.queues()
        given_up = dead_letters(access, [queue["name"] for queue in found])
    oldest, warnings = oldest_events(access, found)
    known = [status(queue, oldest.get(queue["name"]), given_up[queue["name"]]) for queue in found]
    gone = sorted(set(given_up) - {queue["name"] for queue in found})
    queues = [*known, *(status({"name": name}, None, given_up[name], kind=GONE) for name in gone)]
    return {
        "queues": sorted(queues, key=lambda queue: queue["name"]),
        "waiting": sum(queue["waiting"] for queue in queues if queue["kind"] != DEAD_LETTERS),
        "dead_letters": given_up.total(),
        "warnings": warnings,
    }


def status(queue: dict[str, Any], oldest: float | None, dead_letters: int, kind: str = "") -> QueueStatus:
    return {
        "name": queue["name"],
        "kind": kind or kind_of(queue["name"]),
        "depth": queue.get("messages", 0),
        "waiting": queue.get("messages_ready", 0),
        "in_hand": queue.get("messages_unacknowledged", 0),
        "in_per_second": rate(queue, "publish_details"),
        "out_per_second": rate(queue, "deliver_get_details"),
        "consumers": queue.get("consumers", 0),
        "oldest_seconds": oldest,
        "dead_letters": dead_letters,
    }


def rate(queue: dict[str, Any], which: str) -> float:
    return float(queue.get("message_stats", {}).get(which, {}).get("rate", 0.0))


def kind_of(name: str) -> str:
    owner, _, rest = name.partition(".")
    if owner == "rpc" and rest.startswith("reply-"):
        return REPLIES
    if owner.startswith("rpc-"):
        return REQUESTS
    if rest.startswith("listener-"):
        return LISTENER
    if owner not in SERVICES:
        return OTHER
    if rest == "dead-letters":
        return DEAD_LETTERS
    return DELAY if rest.startswith("delay.") else HANDLER


def dead_letters(access: Access, names: Iterable[str]) -> Counter[str]:
    """How many messages of each queue were given up.

    Two looks at once would hide letters from each other, so they take turns.
    """
    counts: Counter[str] = Counter()
    services = [name.partition(".")[0] for name in names if kind_of(name) == DEAD_LETTERS]
    with only_one_at_a_time(access.lock):
        for service in services:
            letters = DeadLetterQueue(access.amqp_uri, service).list(LOOK_AT_MOST)
            counts.update(letter.queue or f"{service}.dead-letters" for letter in letters)
    return counts


def oldest_events(
    access: Access, queues: Iterable[dict[str, Any]]
) -> tuple[dict[str, float | None], list[str]]:
    """Ages by queue, and what is to be said when they could not be found out."""
    filled = [
        queue["name"] for queue in queues if queue.get("messages_ready") and queue.get("type") == "quorum"
    ]
    try:
        first = peek.first_messages(access, filled)
    except peek.CannotPeek as error:
        return {}, [f"The age of the oldest messages is not known: {error}."]
    return {name: ages.seconds_since_id(message_id) for name, message_id in first.items()}, []


def as_text(found: Overview, *, everything: bool) -> str:
    """Empty queues that nobody works with by name (delays, replies) are left out unless `everything` is."""
    shown = [q for q in found["queues"] if everything or is_worth_a_line(q)]
    rows = [("QUEUE", "DEPTH", "IN HAND", "IN/S", "OUT/S", "CONSUMERS", "OLDEST", "DEAD LETTERS")]
    rows += [
        (
            queue["name"],
            str(queue["depth"]),
            str(queue["in_hand"]),
            f"{queue['in_per_second']:.1f}",
            f"{queue['out_per_second']:.1f}",
            str(queue["consumers"]),
            ages.as_text(queue["oldest_seconds"]),
            str(queue["dead_letters"]),
        )
        for queue in shown
    ]
    hidden = len(found["queues"]) - len(shown)
    summary = f"{found['waiting']} messages wait, {found['dead_letters']} were given up."
    if hidden:
        summary += f" {hidden} empty queues for delays and replies are not shown; --all shows them."
    return "\n".join([table.render(rows), "", summary, *found["warnings"]])


def is_worth_a_line(queue: QueueStatus) -> bool:
    if queue["kind"] == DEAD_LETTERS:
        return False
    return queue["kind"] in ALWAYS_SHOWN or queue["depth"] > 0 or queue["dead_letters"] > 0
