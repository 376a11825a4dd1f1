"""Accounts, sessions, failures and signing keys in MongoDB; secrets are encrypted before they get there."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.crypto import SecretBox
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import Account, ConcurrentUpdate, EmailTaken
from identity.domain.lockout import FAILURES_FORGOTTEN_AFTER, Failures, Suspect
from identity.domain.session import Session, SessionNotFound
from identity.signing import SigningKey


class MongoAccounts:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._accounts = mongo["accounts"]

    def ensure_indexes(self) -> None:
        self._accounts.create_index([("kind", 1), ("email", 1)], unique=True, name="kind_email")

    def add(self, account: Account, events: Sequence[Event]) -> None:
        def insert() -> None:
            self._accounts.insert_one(_account_document(account), session=self._mongo.session)
            self._outbox.append(events, account.version)

        try:
            self._mongo.transaction(insert)
        except DuplicateKeyError as error:
            raise EmailTaken() from error

    def get(self, account_id: str) -> Account:
        document = self._accounts.find_one({"_id": account_id}, session=self._mongo.session)
        if document is None:
            raise LookupError(account_id)
        return _account(document)

    def find(self, kind: str, email: str) -> Account | None:
        document = self._accounts.find_one({"kind": kind, "email": email}, session=self._mongo.session)
        return _account(document) if document else None

    def save(self, account: Account) -> None:
        replacement = _account_document(account) | {"version": account.version + 1}
        replaced = self._accounts.replace_one(
            {"_id": account.id, "version": account.version}, replacement, session=self._mongo.session
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()
        account.version += 1


def _account_document(account: Account) -> dict[str, Any]:
    return {
        "_id": account.id,
        "kind": account.kind,
        "email": account.email,
        "password_hash": account.password_hash,
        "one_time_until": account.one_time_until,
        "created_at": account.created_at,
        "version": account.version,
    }


def _account(document: dict[str, Any]) -> Account:
    return Account(
        id=document["_id"],
        kind=document["kind"],
        email=document["email"],
        password_hash=document["password_hash"],
        one_time_until=document["one_time_until"],
        created_at=document["created_at"],
        version=document["version"],
    )


class MongoSessions:
    """A session's secret makes its refresh tokens, so it is kept encrypted."""

    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._box = box
        self._sessions = mongo["sessions"]

    def ensure_indexes(self) -> None:
        self._sessions.create_index([("account_id", 1), ("_id", -1)], name="of_account")
        self._sessions.create_index("revoked_at", name="revoked")
        self._sessions.create_index("expires_at", expireAfterSeconds=0, name="expired")

    def add(self, session: Session) -> None:
        self._sessions.insert_one(self._document(session), session=self._mongo.session)

    def get(self, session_id: str) -> Session:
        document = self._sessions.find_one({"_id": session_id}, session=self._mongo.session)
        if document is None:
            raise SessionNotFound()
        return self._session(document)

    def save(self, session: Session, events: Sequence[Event]) -> None:
        version = session.version + 1
        replacement = self._document(session) | {"version": version}

        def swap() -> None:
            replaced = self._sessions.replace_one(
                {"_id": session.id, "version": session.version}, replacement, session=self._mongo.session
            )
            if replaced.matched_count == 0:
                raise ConcurrentUpdate()
            self._outbox.append(events, version)

        self._mongo.transaction(swap)
        session.version = version

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        query: dict[str, Any] = {"account_id": account_id, "revoked_at": None, "expires_at": {"$gt": at}}
        if before is not None:
            query["_id"] = {"$lt": before}
        found = self._sessions.find(query, session=self._mongo.session).sort("_id", -1).limit(limit)
        return [self._session(document) for document in found]

    def revoked_since(self, at: datetime, after: str | None, limit: int) -> list[Session]:
        query: dict[str, Any] = {"revoked_at": {"$gt": at}}
        if after is not None:
            query["_id"] = {"$gt": after}
        found = self._sessions.find(query, session=self._mongo.session).sort("_id", 1).limit(limit)
        return [self._session(document) for document in found]

    def _document(self, session: Session) -> dict[str, Any]:
        return {
            "_id": session.id,
            "account_id": session.account_id,
            "kind": session.kind,
            "secret": self._box.encrypt(base64.b64encode(session.secret).decode()),
            "generation": session.generation,
            "created_at": session.created_at,
            "last_used_at": session.last_used_at,
            "rotated_at": session.rotated_at,
            "expires_at": session.expires_at,
            "address": session.address,
            "revoked_at": session.revoked_at,
            "version": session.version,
        }

    def _session(self, document: dict[str, Any]) -> Session:
        return Session(
            id=document["_id"],
            account_id=document["account_id"],
            kind=document["kind"],
            secret=base64.b64decode(self._box.decrypt(document["secret"])),
            generation=document["generation"],
            created_at=document["created_at"],
            last_used_at=document["last_used_at"],
            rotated_at=document["rotated_at"],
            expires_at=document["expires_at"],
            address=document["address"],
            revoked_at=document["revoked_at"],
            version=document["version"],
        )


class MongoFailureLog:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._failures = mongo["failures"]

    def ensure_indexes(self) -> None:
        self._failures.create_index(
            "last_at", expireAfterSeconds=int(FAILURES_FORGOTTEN_AFTER.total_seconds()), name="forgotten"
        )

    def get(self, suspect: Suspect) -> Failures:
        document = self._failures.find_one({"_id": suspect.key}, session=self._mongo.session)
        if document is None:
            return Failures(suspect=suspect)
        return Failures(
            suspect=suspect,
            count=document["count"],
            last_at=document["last_at"],
            locked_until=document["locked_until"],
            version=document["version"],
        )

    def save(self, failures: Failures) -> None:
        document = {
            "_id": failures.suspect.key,
            "count": failures.count,
            "last_at": failures.last_at,
            "locked_until": failures.locked_until,
            "version": failures.version + 1,
        }
        if failures.version == 0:
            self._insert(document)
        else:
            self._replace(document, failures.version)
        failures.version += 1

    def _insert(self, document: dict[str, Any]) -> None:
        try:
            self._failures.insert_one(document, session=self._mongo.session)
        except DuplicateKeyError as error:
            raise ConcurrentUpdate() from error

    def _replace(self, document: dict[str, Any], version: int) -> None:
        replaced = self._failures.replace_one(
            {"_id": document["_id"], "version": version}, document, session=self._mongo.session
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()

    def forget(self, suspect: Suspect) -> None:
        self._failures.delete_one({"_id": suspect.key}, session=self._mongo.session)


class MongoSigningKeys:
    """The key's number is its `_id`, so of several processes that make the first one, one succeeds."""

    def __init__(self, mongo: Mongo, box: SecretBox) -> None:
        self._box = box
        self._keys = mongo["signing_keys"]

    def all(self, make_first: Callable[[], SigningKey]) -> list[SigningKey]:
        return self._stored() or self._first(make_first())

    def _stored(self) -> list[SigningKey]:
        return [self._key(document) for document in self._keys.find().sort("_id", -1)]

    def _first(self, key: SigningKey) -> list[SigningKey]:
        try:
            self._keys.insert_one(
                {"_id": 1, "kid": key.kid, "x": key.x, "sealed_d": self._box.encrypt(key.d)}
            )
        except DuplicateKeyError:
            return self._stored()
        return [key]

    def _key(self, document: dict[str, Any]) -> SigningKey:
        return SigningKey(kid=document["kid"], x=document["x"], d=self._box.decrypt(document["sealed_d"]))
