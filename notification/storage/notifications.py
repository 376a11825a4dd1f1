"""Documents in MongoDB, and the unread counts in Redis that are derived from them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import redis
from pymongo import ASCENDING, DESCENDING

from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.ids import new_id
from chassis.mongo import Mongo
from notification.domain.notifications import IN_APP, Choice, Mail, Notification, Preferences, Recipient

log = logging.getLogger(__name__)


class MongoRecipients:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        """Recipients are looked up by account alone, which is their _id."""

    def save(self, recipient: Recipient) -> None:
        fields = {"kind": recipient.kind, "email": recipient.email, "name": recipient.name}
        self._mongo["recipients"].update_one(
            {"_id": recipient.account_id},
            {"$setOnInsert": fields},
            upsert=True,
            session=self._mongo.session,
        )

    def get(self, account_id: str) -> Recipient | None:
        found = self._mongo["recipients"].find_one({"_id": account_id}, session=self._mongo.session)
        return Recipient(found["_id"], found["kind"], found["email"], found["name"]) if found else None


class MongoNotifications:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox

    def ensure_indexes(self) -> None:
        notifications = self._mongo["notifications"]
        notifications.create_index("source_event", unique=True, name="once_per_event")
        notifications.create_index([("account_id", ASCENDING), ("_id", DESCENDING)], name="inbox")
        notifications.create_index([("account_id", ASCENDING), ("read_at", ASCENDING)], name="unread")

    def add(self, notification: Notification, mail: Mail | None, events: Sequence[Event]) -> None:
        self._mongo.transaction(lambda: self._add(notification, mail, events))

    def _add(self, notification: Notification, mail: Mail | None, events: Sequence[Event]) -> None:
        told = {"source_event": notification.source_event}
        if self._mongo["notifications"].find_one(told, session=self._mongo.session):
            return
        self._mongo["notifications"].insert_one(
            notification_document(notification), session=self._mongo.session
        )
        if mail is not None:
            self._mongo["mails"].insert_one(mail_document(mail), session=self._mongo.session)
        self._outbox.append(events, aggregate_version=1)

    def get(self, account_id: str, notification_id: str) -> Notification | None:
        query = {"_id": notification_id, "account_id": account_id}
        found = self._mongo["notifications"].find_one(query, session=self._mongo.session)
        return notification_in(found) if found else None

    def save(self, notification: Notification, events: Sequence[Event]) -> None:
        self._mongo.transaction(lambda: self._save(notification, events))

    def _save(self, notification: Notification, events: Sequence[Event]) -> None:
        saved = self._mongo["notifications"].update_one(
            {"_id": notification.id, "read_at": None},
            {"$set": {"read_at": notification.read_at}},
            session=self._mongo.session,
        )
        if saved.modified_count and events:
            self._outbox.append(events, aggregate_version=2)

    def inbox(
        self, account_id: str, unread: bool | None, after: str | None, limit: int
    ) -> list[Notification]:
        query: dict[str, Any] = {"account_id": account_id, "channels": IN_APP}
        if unread is not None:
            query["read_at"] = None if unread else {"$ne": None}
        if after is not None:
            query["_id"] = {"$lt": after}
        found = self._mongo["notifications"].find(query).sort("_id", DESCENDING).limit(limit)
        return [notification_in(document) for document in found]

    def count_unread(self, account_id: str) -> int:
        query = {"account_id": account_id, "read_at": None, "channels": IN_APP}
        return self._mongo["notifications"].count_documents(query)


class MongoPreferences:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        """Preferences are looked up by account alone, which is their _id."""

    def get(self, account_id: str) -> Preferences:
        found = self._mongo["preferences"].find_one({"_id": account_id}, session=self._mongo.session)
        choices = [Choice(**choice) for choice in found["choices"]] if found else []
        return Preferences(account_id, {choice.kind: choice for choice in choices})

    def save(self, preferences: Preferences) -> None:
        choices = [asdict(choice) for choice in preferences.choices.values()]
        self._mongo["preferences"].replace_one(
            {"_id": preferences.account_id}, {"choices": choices}, upsert=True, session=self._mongo.session
        )


class MongoMailQueue:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        mails = self._mongo["mails"]
        mails.create_index([("status", ASCENDING), ("next_attempt_at", ASCENDING)], name="due")
        mails.create_index([("account_id", ASCENDING), ("waiting", ASCENDING)], name="waiting")

    def lease(self, now: datetime, until: datetime) -> tuple[Mail, str] | None:
        """A mail that somebody else takes at the same moment is simply left to them."""
        due = {"status": "queued", "next_attempt_at": {"$lte": now}}
        found = self._mongo["mails"].find_one(due, sort=[("next_attempt_at", ASCENDING)])
        if found is None:
            return None
        token = new_id("lease")
        taken = self._mongo["mails"].update_one(
            {"_id": found["_id"], "lease": found["lease"], "next_attempt_at": found["next_attempt_at"]},
            {"$set": {"lease": token, "next_attempt_at": until}},
        )
        return (mail_in(found), token) if taken.modified_count else None

    def save(self, mail: Mail, token: str) -> None:
        document = mail_document(mail)
        saved = self._mongo["mails"].replace_one({"_id": mail.id, "lease": token}, document)
        if not saved.matched_count:
            log.warning("the lease of mail %s was lost, it may be sent twice", mail.id)

    def hasten(self, account_id: str, now: datetime) -> None:
        self._mongo["mails"].update_many(
            {"account_id": account_id, "waiting": True, "lease": ""},
            {"$set": {"next_attempt_at": now}},
            session=self._mongo.session,
        )


# The generation tells a count that was taken before something changed from one taken after it. Both live in
# one hash, so that one script reads and writes them at once.
STORE_COUNT = """
if (redis.call('HGET', KEYS[1], 'generation') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'count', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
FORGET_COUNT = """
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HDEL', KEYS[1], 'count')
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""

# Bounds what idle accounts occupy; whoever comes back has the count rebuilt.
COUNT_SECONDS = 3600


class RedisUnreadCounts:
    """Counts per account, rebuilt from `count_unread` when missing. Without Redis every count is rebuilt."""

    def __init__(self, client: redis.Redis, prefix: str, count_unread: Callable[[str], int]) -> None:
        self._client = client
        self._prefix = prefix
        self._count_unread = count_unread
        self._store = client.register_script(STORE_COUNT)
        self._forget = client.register_script(FORGET_COUNT)

    def count(self, account_id: str) -> int:
        try:
            return self._cached(account_id)
        except redis.RedisError as error:
            log.warning("unread counts are rebuilt for want of Redis: %s", type(error).__name__)
            return self._count_unread(account_id)

    def _cached(self, account_id: str) -> int:
        generation, count = self._client.hmget(self._key(account_id), ["generation", "count"])
        if count is not None:
            return int(count)
        counted = self._count_unread(account_id)
        self._store([self._key(account_id)], [generation or "0", counted, COUNT_SECONDS])
        return counted

    def forget(self, account_id: str) -> None:
        self._forget([self._key(account_id)], [COUNT_SECONDS])

    def _key(self, account_id: str) -> str:
        return f"{self._prefix}unread:{account_id}"


def notification_document(notification: Notification) -> dict[str, Any]:
    fields = asdict(notification)
    return {"_id": fields.pop("id"), **fields, "channels": list(notification.channels)}


def notification_in(document: dict[str, Any]) -> Notification:
    fields = dict(document)
    return Notification(id=fields.pop("_id"), **fields | {"channels": tuple(document["channels"])})


def mail_document(mail: Mail) -> dict[str, Any]:
    """A mail that is not leased; `lease` is there so that taking it can compare and swap."""
    fields = asdict(mail)
    return {"_id": fields.pop("id"), **fields, "lease": ""}


def mail_in(document: dict[str, Any]) -> Mail:
    fields = {name: value for name, value in document.items() if name not in ("_id", "lease")}
    return Mail(id=document["_id"], **fields)
