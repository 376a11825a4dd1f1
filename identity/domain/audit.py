"""The audit log: who did what to whose account, in a chain that shows when somebody has touched it.

Every entry's hash covers the entry and the hash before it. Whoever changes, removes, adds or moves one makes
all hashes after it wrong; whoever computes all of them anew, or cuts off the end, arrives at another head
than the one that was written down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from chassis.event import Event, ReceivedEvent
from chassis.times import rfc3339
from identity.domain.facts import Fact

PREFIX = "aud"
NOTHING_BEFORE = "0" * 64

# What people are called is no part of what happened, and a log that keeps everything should not keep it.
PERSONAL = frozenset({"email", "company_name", "industry", "contact_person", "display_name"})

# What was decided about a thing in another service, without what it is called.
TOLD_OF_ACTS = ("status", "reason", "platform", "role", "method", "changed", "amount")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`account` is whose account it is about, `actor` who did it, `acting_for` whom that was done for.

    No actor means that nobody had proved to be anybody. A service acts as `service:<name>`.
    """

    id: str
    at: datetime
    kind: str
    account: str
    actor: str | None
    acting_for: str | None
    request_id: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """An entry in its place in the chain."""

    seq: int
    hash: str
    entry: Entry


@dataclass(frozen=True)
class Head:
    """Where a chain ends; written down elsewhere, it shows that nothing was cut off."""

    seq: int = 0
    hash: str = NOTHING_BEFORE

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True)
class Report:
    """`broken` is the number of the first entry that is not as it was; `problem` says what is wrong."""

    entries: int
    head: Head
    broken: int | None = None
    problem: str = ""

    @property
    def is_intact(self) -> bool:
        return self.broken is None


def entry_of(
    event: Event, id: str, at: datetime, actor: str | None, caller: str | None, request_id: str | None
) -> Entry:
    """What the log keeps of an event. `actor` is the verified end user, `caller` the service that asked."""
    data = event.to_data()
    account = str(data.pop("account_id", data.get("brand_id", "")))
    return Entry(
        id=id,
        at=at,
        kind=event.type,
        account=account,
        actor=actor or _without_a_token(event, account, caller),
        acting_for=account if actor is not None and actor != account and _is_own(event) else None,
        request_id=request_id,
        details={name: value for name, value in data.items() if name not in PERSONAL and value is not None},
    )


def entry_of_act(event: ReceivedEvent, id: str, acting_for: str | None) -> Entry:
    """What the log keeps of something that an administrator did in another service.

    `acting_for` is the account whose part they played. The event says more, and its service keeps it; names
    and whatever else may have to be erased stay there.
    """
    told = {name: event.data[name] for name in TOLD_OF_ACTS if event.data.get(name) is not None}
    where = {"service": event.source, "resource": event.subject, "event": event.id, "session": event.session}
    return Entry(
        id=id,
        at=event.time,
        kind=event.type,
        account=acting_for or _owner(event),
        actor=event.actor,
        acting_for=acting_for,
        request_id=event.request_id,
        details={**where, **told},
    )


def _owner(event: ReceivedEvent) -> str:
    """Whose thing it was done to, as events name owners."""
    owners = (event.data.get(name) for name in ("account_id", "brand_id", "streamer_id"))
    return next((str(owner) for owner in owners if owner), "")


def _without_a_token(event: Event, account: str, caller: str | None) -> str | None:
    """Whoever registers or logs in proves in that moment who they are; a service speaks for itself."""
    if isinstance(event, Fact) and event.anonymous:
        return None
    return account if caller == "gateway" else f"service:{caller}" if caller else None


def _is_own(event: Event) -> bool:
    """Whether it is something that an account does, and not something that is done to it."""
    return not getattr(event, "done_to_account", False)


def chained(entries: Sequence[Entry], head: Head) -> Iterator[Link]:
    """The links that follow `head`."""
    for seq, entry in enumerate(entries, head.seq + 1):
        head = Head(seq, hash_of(seq, entry, head.hash))
        yield Link(seq, head.hash, entry)


def hash_of(seq: int, entry: Entry, previous: str) -> str:
    """SHA-256 over the hash before it and the entry as JSON: names sorted, no spaces, times in RFC 3339."""
    content = asdict(entry) | {"seq": seq, "at": rfc3339(entry.at)}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def verify(links: Iterable[Link], known: Head | None = None) -> Report:
    """Follow the chain from its beginning; `known` is a head that was written down earlier."""
    head = Head()
    for link in links:
        problem = _problem_of(link, head, known)
        if problem:
            return Report(head.seq, head, head.seq + 1, problem)
        head = Head(link.seq, link.hash)
    if known is not None and known.seq > head.seq:
        return Report(head.seq, head, head.seq + 1, f"there were {known.seq} entries")
    return Report(head.seq, head)


def _problem_of(link: Link, head: Head, known: Head | None) -> str:
    if link.seq != head.seq + 1:
        return f"it is missing: entry {link.seq} follows {head.seq}"
    if link.hash != hash_of(link.seq, link.entry, head.hash):
        return "its hash does not fit what it says and what is before it"
    if known is not None and link.seq == known.seq and link.hash != known.hash:
        return "its hash is not the one that was written down"
    return ""
