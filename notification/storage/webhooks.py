"""Endpoints and messages of webhooks in MongoDB; secrets are encrypted before they get there."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from chassis.crypto import SecretBox
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo
from notification.domain.webhooks import (
    KEPT,
    MOST_ENDPOINTS,
    PARKED,
    PENDING,
    Attempt,
    ConcurrentUpdate,
    Endpoint,
    Message,
    TooManyEndpoints,
)

log = logging.getLogger(__name__)

SECRETS = ("secret", "former_secret")


class MongoWebhookEndpoints:
    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._box = box

    def ensure_indexes(self) -> None:
        self._mongo["webhook_endpoints"].create_index(
            [("brand_id", ASCENDING), ("_id", DESCENDING)], name="of_brand"
        )

    def add(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        self._mongo.transaction(lambda: self._add(endpoint, events))

    def _add(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        session = self._mongo.session
        # Two that are made at once both write this, so that one of them sees the other's.
        self._mongo["webhook_owners"].update_one(
            {"_id": endpoint.brand_id}, {"$inc": {"made": 1}}, upsert=True, session=session
        )
        endpoints = self._mongo["webhook_endpoints"]
        if endpoints.count_documents({"brand_id": endpoint.brand_id}, session=session) >= MOST_ENDPOINTS:
            raise TooManyEndpoints(f"There are {MOST_ENDPOINTS}; delete one that is not used.")
        endpoint.version = 1
        endpoints.insert_one(self._document(endpoint), session=session)
        self._outbox.append(events, endpoint.version)

    def get(self, endpoint_id: str) -> Endpoint | None:
        found = self._mongo["webhook_endpoints"].find_one({"_id": endpoint_id}, session=self._mongo.session)
        return self._endpoint(found) if found else None

    def save(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        loaded = endpoint.version
        document = self._document(endpoint) | {"version": loaded + 1}

        def work() -> None:
            saved = self._mongo["webhook_endpoints"].replace_one(
                {"_id": endpoint.id, "version": loaded},
                document,
                session=self._mongo.session,
            )
            if not saved.matched_count:
                raise ConcurrentUpdate()
            self._outbox.append(events, loaded + 1)

        self._mongo.transaction(work)
        endpoint.version = loaded + 1

    def delete(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        def work() -> None:
            deleted = self._mongo["webhook_endpoints"].delete_one(
                {"_id": endpoint.id, "version": endpoint.version}, session=self._mongo.session
            )
            if not deleted.deleted_count:
                raise ConcurrentUpdate()
            self._outbox.append(events, endpoint.version + 1)

        self._mongo.transaction(work)

    def of_brand(self, brand_id: str, after: str | None, limit: int) -> list[Endpoint]:
        query: dict[str, Any] = {"brand_id": brand_id}
        if after is not None:
            query["_id"] = {"$lt": after}
        found = self._mongo["webhook_endpoints"].find(query).sort("_id", DESCENDING).limit(limit)
        return [self._endpoint(document) for document in found]

    def subscribers(self, brand_id: str, topic: str) -> list[str]:
        """Few documents, and none of their secrets has to be opened for this."""
        found = self._mongo["webhook_endpoints"].find(
            {"brand_id": brand_id, "enabled": True}, {"topics": 1}, session=self._mongo.session
        )
        return [each["_id"] for each in found if not each["topics"] or topic in each["topics"]]

    def _document(self, endpoint: Endpoint) -> dict[str, Any]:
        fields = asdict(endpoint)
        sealed = {
            f"sealed_{name}": self._box.encrypt(text) if (text := fields.pop(name)) else ""
            for name in SECRETS
        }
        return {"_id": fields.pop("id"), **fields, **sealed, "topics": list(endpoint.topics)}

    def _endpoint(self, document: dict[str, Any]) -> Endpoint:
        fields = dict(document)
        for name in SECRETS:
            sealed = fields.pop(f"sealed_{name}")
            fields[name] = self._box.decrypt(sealed) if sealed else ""
        return Endpoint(id=fields.pop("_id"), **fields | {"topics": tuple(document["topics"])})


class MongoWebhookMessages:
    """The list of what is due, as for mails: taken by compare-and-swap, for the length of a lease."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        messages = self._mongo["webhook_messages"]
        messages.create_index(
            [("endpoint_id", ASCENDING), ("source_event", ASCENDING)], unique=True, name="once_per_event"
        )
        messages.create_index([("status", ASCENDING), ("next_attempt_at", ASCENDING)], name="due")
        messages.create_index(
            [("endpoint_id", ASCENDING), ("status", ASCENDING), ("next_attempt_at", ASCENDING)],
            name="due_of_endpoint",
        )
        messages.create_index([("endpoint_id", ASCENDING), ("_id", DESCENDING)], name="of_endpoint")
        messages.create_index("created_at", expireAfterSeconds=int(KEPT.total_seconds()), name="forgotten")

    def add(self, message: Message) -> None:
        same = {"endpoint_id": message.endpoint_id, "source_event": message.source_event}
        messages, session = self._mongo["webhook_messages"], self._mongo.session
        if messages.find_one(same, {"_id": 1}, session=session) is None:
            messages.insert_one(message_document(message), session=session)

    def get(self, endpoint_id: str, message_id: str) -> Message | None:
        found = self._mongo["webhook_messages"].find_one({"_id": message_id, "endpoint_id": endpoint_id})
        return message_in(found) if found else None

    def of_endpoint(
        self, endpoint_id: str, status: str | None, after: str | None, limit: int
    ) -> list[Message]:
        query: dict[str, Any] = {"endpoint_id": endpoint_id}
        if status is not None:
            query["status"] = status
        if after is not None:
            query["_id"] = {"$lt": after}
        found = self._mongo["webhook_messages"].find(query).sort("_id", DESCENDING).limit(limit)
        return [message_in(document) for document in found]

    def replay(self, endpoint_id: str, message_id: str | None, now: datetime) -> int:
        parked: dict[str, Any] = {"endpoint_id": endpoint_id, "status": PARKED}
        if message_id is not None:
            parked["_id"] = message_id
        again = {"status": PENDING, "tries": 0, "next_attempt_at": now}
        return self._mongo["webhook_messages"].update_many(parked, {"$set": again}).modified_count

    def lease(
        self, now: datetime, until: datetime, *, of: str | None = None, except_of: Collection[str] = ()
    ) -> tuple[Message, str] | None:
        """A message that somebody else takes at the same moment is simply left to them."""
        due: dict[str, Any] = {"status": PENDING, "next_attempt_at": {"$lte": now}}
        if of is not None:
            due["endpoint_id"] = of
        elif except_of:
            due["endpoint_id"] = {"$nin": sorted(except_of)}
        found = self._mongo["webhook_messages"].find_one(due, sort=[("next_attempt_at", ASCENDING)])
        if found is None:
            return None
        token = new_id("lease")
        taken = self._mongo["webhook_messages"].update_one(
            {"_id": found["_id"], "lease": found["lease"], "next_attempt_at": found["next_attempt_at"]},
            {"$set": {"lease": token, "next_attempt_at": until}},
        )
        return (message_in(found), token) if taken.modified_count else None

    def save(self, message: Message, token: str) -> None:
        saved = self._mongo["webhook_messages"].replace_one(
            {"_id": message.id, "lease": token}, message_document(message)
        )
        if not saved.matched_count:
            log.warning("the lease of webhook %s was lost, it may be sent twice", message.id)

    def drop(self, message: Message, token: str) -> None:
        self._mongo["webhook_messages"].delete_one({"_id": message.id, "lease": token})


def message_document(message: Message) -> dict[str, Any]:
    """A message that is not leased; `lease` is there so that taking it can compare and swap."""
    fields = asdict(message)
    return {"_id": fields.pop("id"), **fields, "lease": ""}


def message_in(document: dict[str, Any]) -> Message:
    fields = {name: value for name, value in document.items() if name not in ("_id", "lease", "attempts")}
    attempts = [Attempt(**attempt) for attempt in document["attempts"]]
    return Message(id=document["_id"], attempts=attempts, **fields)
