"""One-time links in MongoDB, how often they were asked for, and what is still to be looked into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import ConcurrentUpdate
from identity.domain.allowance import WINDOW, Allowance, Asker
from identity.domain.link import Link, LinkNotValid, ResetRequest
from identity.storage.counted import swap

# A link that is over is told apart from nothing, so this is only for whoever looks into what happened.
KEPT_SECONDS = 7 * 24 * 3600


class MongoLinks:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._links = mongo["links"]

    def ensure_indexes(self) -> None:
        self._links.create_index("token_hash", unique=True, name="token")
        self._links.create_index([("account_id", 1), ("purpose", 1), ("_id", -1)], name="newest")
        self._links.create_index("expires_at", expireAfterSeconds=KEPT_SECONDS, name="expired")

    def add(self, link: Link, events: Sequence[Event]) -> None:
        def insert() -> None:
            self._links.insert_one(_document(link), session=self._mongo.session)
            self._outbox.append(events, link.version)

        self._mongo.transaction(insert)

    def get(self, link_id: str) -> Link:
        return self._find({"_id": link_id})

    def by_hash(self, token_hash: str) -> Link:
        return self._find({"token_hash": token_hash})

    def _find(self, which: dict[str, Any]) -> Link:
        document = self._links.find_one(which, session=self._mongo.session)
        if document is None:
            raise LinkNotValid()
        return Link(id=document.pop("_id"), **document)

    def newest(self, account_id: str, purpose: str) -> str | None:
        document = self._links.find_one(
            {"account_id": account_id, "purpose": purpose},
            projection=["_id"],
            sort=[("_id", -1)],
            session=self._mongo.session,
        )
        return str(document["_id"]) if document else None

    def save(self, link: Link) -> None:
        version = link.version + 1
        replaced = self._links.replace_one(
            {"_id": link.id, "version": link.version},
            _document(link) | {"version": version},
            session=self._mongo.session,
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()
        link.version = version


def _document(link: Link) -> dict[str, Any]:
    fields = asdict(link)
    return {"_id": fields.pop("id"), **fields}


class MongoAllowances:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._allowances = mongo["allowances"]

    def ensure_indexes(self) -> None:
        self._allowances.create_index(
            "last_at", expireAfterSeconds=int(WINDOW.total_seconds()), name="forgotten"
        )

    def get(self, asker: Asker) -> Allowance:
        document = self._allowances.find_one({"_id": asker.key}, session=self._mongo.session)
        if document is None:
            return Allowance(asker=asker)
        return Allowance(asker=asker, granted=tuple(document["granted"]), version=document["version"])

    def save(self, allowance: Allowance) -> None:
        version = allowance.version + 1
        document = {
            "_id": allowance.asker.key,
            "granted": list(allowance.granted),
            "last_at": allowance.granted[-1],
            "version": version,
        }
        swap(self._allowances, document, allowance.version, self._mongo.session)
        allowance.version = version


class MongoResetRequests:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._requests = mongo["reset_requests"]

    def ensure_indexes(self) -> None:
        """The oldest is looked up by its _id."""

    def add(self, request: ResetRequest) -> None:
        fields = asdict(request)
        self._requests.insert_one({"_id": fields.pop("id"), **fields}, session=self._mongo.session)

    def take(self) -> ResetRequest | None:
        document = self._requests.find_one(sort=[("_id", 1)], session=self._mongo.session)
        if document is None:
            return None
        # Of two processes that take the same one, the second's transaction fails here and is run again.
        self._requests.delete_one({"_id": document["_id"]}, session=self._mongo.session)
        return ResetRequest(id=document.pop("_id"), **document)
