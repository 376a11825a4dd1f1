"""Sessions in MongoDB."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pymongo import ReplaceOne

from chassis.crypto import SecretBox
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from chassis.principal import PASSWORD
from identity.domain.account import ConcurrentUpdate
from identity.domain.session import ImpersonationFacts, KeyFacts, Session, SessionNotFound


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

    def add(self, session: Session, events: Sequence[Event] = ()) -> None:
        def insert() -> None:
            self._sessions.insert_one(self._document(session), session=self._mongo.session)
            self._outbox.append(events, session.version)

        self._mongo.transaction(insert)

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

    def save_all(self, sessions: Sequence[Session], events: Sequence[Sequence[Event]]) -> None:
        if not sessions:
            return
        swaps = [
            ReplaceOne(
                {"_id": session.id, "version": session.version},
                self._document(session) | {"version": session.version + 1},
            )
            for session in sessions
        ]

        def swap_all() -> None:
            done = self._sessions.bulk_write(swaps, ordered=False, session=self._mongo.session)
            if done.matched_count < len(swaps):
                raise ConcurrentUpdate()
            told = zip(events, sessions, strict=True)
            self._outbox.append_all([(each, session.version + 1) for each, session in told])

        self._mongo.transaction(swap_all)
        for session in sessions:
            session.version += 1

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        return self._live({"account_id": account_id, "key": None}, at, before, limit)

    def keys_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        return self._live({"account_id": account_id, "key": {"$ne": None}}, at, before, limit)

    def _live(self, which: dict[str, Any], at: datetime, before: str | None, limit: int) -> list[Session]:
        query = which | {"revoked_at": None, "expires_at": {"$gt": at}}
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
            "acts_for": session.acts_for,
            "key": asdict(session.key) if session.key else None,
            "impersonation": asdict(session.impersonation) if session.impersonation else None,
            "acr": session.acr,
            "authenticated_at": session.authenticated_at,
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
            acts_for=document.get("acts_for"),
            key=_key_facts(document.get("key")),
            impersonation=_impersonation_facts(document.get("impersonation")),
            acr=document.get("acr", PASSWORD),
            authenticated_at=document.get("authenticated_at"),
            revoked_at=document["revoked_at"],
            version=document["version"],
        )


def _key_facts(document: dict[str, Any] | None) -> KeyFacts | None:
    return KeyFacts(**document | {"scopes": tuple(document["scopes"])}) if document else None


def _impersonation_facts(document: dict[str, Any] | None) -> ImpersonationFacts | None:
    return ImpersonationFacts(**document) if document else None
