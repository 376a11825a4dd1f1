"""The audit log in MongoDB, and the outbox that tells it of everything that goes through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis import context
from chassis.clock import now
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo
from identity.domain.audit import PREFIX, Entry, Head, Link, chained, entry_of
from identity.domain.facts import Fact

# One transaction of this many is far from MongoDB's limits, and clears a minute of a busy platform.
SEALED_AT_ONCE = 500


class MongoAuditLog:
    """`audit_pending` takes entries in the transaction of what they tell; `audit` is the chain, by number.

    Log-ins of one moment would all wait for the end of the chain if each put itself there, so that is done
    afterwards, for many at once. A chain has one entry of each number, so of two processes that do it at the
    same time one succeeds.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._pending = mongo["audit_pending"]
        self._chain = mongo["audit"]

    def ensure_indexes(self) -> None:
        self._chain.create_index([("account", 1), ("_id", -1)], name="of_account")
        # Makes the collection, too: one that a transaction has to make first meets every other that does.
        self._pending.create_index("at", name="waiting")

    def append(self, entries: Sequence[Entry]) -> None:
        """In the transaction that is open here."""
        self._pending.insert_many([_document(entry) for entry in entries], session=self._mongo.session)

    def seal(self) -> Head | None:
        """Put what waits at the end of the chain; the new head, or None when nothing waited."""
        if self._pending.find_one(projection=["_id"]) is None:
            return None
        try:
            return self._mongo.transaction(self._seal)
        except DuplicateKeyError:
            return None

    def _seal(self) -> Head | None:
        session = self._mongo.session
        waiting = list(self._pending.find(session=session).sort("_id", 1).limit(SEALED_AT_ONCE))
        links = list(chained([_entry(document) for document in waiting], self.head()))
        if not links:
            return None
        self._chain.insert_many([_link_document(link) for link in links], session=session)
        self._pending.delete_many(
            {"_id": {"$in": [document["_id"] for document in waiting]}}, session=session
        )
        return Head(links[-1].seq, links[-1].hash)

    def head(self) -> Head:
        last = self._chain.find_one(sort=[("_id", -1)], session=self._mongo.session)
        return Head(last["_id"], last["hash"]) if last else Head()

    def links(self) -> Iterator[Link]:
        """The whole chain, in the order of its numbers."""
        for document in self._chain.find().sort("_id", 1):
            yield _link(document)

    def newest(self, account: str | None, before: int | None, limit: int) -> list[Link]:
        """Of one account or of all, with a number below `before`, the newest first."""
        query: dict[str, Any] = {} if account is None else {"account": account}
        if before is not None:
            query["_id"] = {"$lt": before}
        return [_link(document) for document in self._chain.find(query).sort("_id", -1).limit(limit)]

    def waiting(self) -> list[Entry]:
        """What is not in the chain yet, oldest first, as far as one sealing takes it."""
        return [_entry(document) for document in self._pending.find().sort("_id", 1).limit(SEALED_AT_ONCE)]


class AuditedOutbox:
    """Tells the audit log of every event, in the transaction of the state that it is about.

    A Fact is for the log alone; all else is published.
    """

    def __init__(self, outbox: Outbox, log: MongoAuditLog) -> None:
        self._outbox = outbox
        self._log = log

    def append(self, events: Sequence[Event], aggregate_version: int) -> None:
        self.append_all([(events, aggregate_version)])

    def append_all(self, changes: Sequence[tuple[Sequence[Event], int]]) -> None:
        told = [event for events, _ in changes for event in events]
        if told:
            self._log.append([_entry_now(event) for event in told])
        self._outbox.append_all([(_published(events), version) for events, version in changes])

    def history(
        self, aggregate_id: str, after: Sequence[Any] | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        return self._outbox.history(aggregate_id, after, limit)


def _published(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Fact)]


def _entry_now(event: Event) -> Entry:
    call = context.current()
    return entry_of(event, new_id(PREFIX), now(), call.actor, call.caller, call.request_id)


def _document(entry: Entry) -> dict[str, Any]:
    document = asdict(entry)
    return {"_id": document.pop("id"), **document}


def _entry(document: dict[str, Any]) -> Entry:
    return Entry(
        id=document["_id"],
        at=document["at"],
        kind=document["kind"],
        account=document["account"],
        actor=document["actor"],
        acting_for=document["acting_for"],
        request_id=document["request_id"],
        details=document["details"],
    )


def _link_document(link: Link) -> dict[str, Any]:
    return {"_id": link.seq, "hash": link.hash, **asdict(link.entry)}


def _link(document: dict[str, Any]) -> Link:
    return Link(document["_id"], document["hash"], _entry(document | {"_id": document["id"]}))
