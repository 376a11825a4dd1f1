"""Ways in by a streaming platform in MongoDB: what lies between there and back, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.crypto import SecretBox
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import Account, ConcurrentUpdate
from identity.domain.provider_link import (
    Flow,
    ProviderAccountTaken,
    ProviderAlreadyLinked,
    ProviderLink,
    ProviderTokens,
)
from identity.storage.accounts import MongoAccounts

OF_ACCOUNT = "of_account"


class MongoFlows:
    """A flow is found by the hash of its state; nonce and verifier are sealed."""

    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._box = box
        self._flows = mongo["oauth_flows"]

    def ensure_indexes(self) -> None:
        self._flows.create_index("expires_at", expireAfterSeconds=0, name="expired")

    def add(self, flow: Flow) -> None:
        self._flows.insert_one(
            {
                "_id": flow.state_hash,
                "binding_hash": flow.binding_hash,
                "provider": flow.provider,
                "sealed": self._box.encrypt(json.dumps([flow.nonce, flow.verifier])),
                "expires_at": flow.expires_at,
                "account_id": flow.account_id,
                "session_id": flow.session_id,
            }
        )

    def take(self, state_hash: str) -> Flow | None:
        document = self._flows.find_one({"_id": state_hash})
        if document is None or self._flows.delete_one({"_id": state_hash}).deleted_count == 0:
            return None
        nonce, verifier = json.loads(self._box.decrypt(document["sealed"]))
        return Flow(
            state_hash=document["_id"],
            binding_hash=document["binding_hash"],
            provider=document["provider"],
            nonce=nonce,
            verifier=verifier,
            expires_at=document["expires_at"],
            account_id=document["account_id"],
            session_id=document["session_id"],
        )


class MongoProviderLinks:
    """Tokens are sealed. `refresh_at` is there while they can be refreshed."""

    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._box = box
        self._accounts = MongoAccounts(mongo, outbox)
        self._links = mongo["provider_links"]

    def ensure_indexes(self) -> None:
        # A sign-up relies on theirs, too.
        self._accounts.ensure_indexes()
        self._links.create_index([("provider", 1), ("subject", 1)], unique=True, name="provider_subject")
        self._links.create_index([("account_id", 1), ("provider", 1)], unique=True, name=OF_ACCOUNT)
        self._links.create_index("refresh_at", sparse=True, name="refresh_at")

    def add(self, link: ProviderLink, events: Sequence[Event]) -> None:
        self._mongo.transaction(lambda: self._insert(link, events))

    def sign_up(
        self, account: Account, link: ProviderLink, registered: Sequence[Event], linked: Sequence[Event]
    ) -> None:
        def insert_both() -> None:
            self._accounts.add(account, registered)
            self._insert(link, linked)

        self._mongo.transaction(insert_both)

    def _insert(self, link: ProviderLink, events: Sequence[Event]) -> None:
        try:
            self._links.insert_one(self._document(link), session=self._mongo.session)
        except DuplicateKeyError as error:
            if OF_ACCOUNT in str(error):
                raise ProviderAlreadyLinked() from error
            raise ProviderAccountTaken() from error
        self._outbox.append(events, link.version)

    def find(self, provider: str, subject: str) -> ProviderLink | None:
        document = self._links.find_one({"provider": provider, "subject": subject})
        return self._link(document) if document else None

    def of_account(self, account_id: str, after: str | None, limit: int) -> list[ProviderLink]:
        query: dict[str, Any] = {"account_id": account_id}
        if after is not None:
            query["_id"] = {"$gt": after}
        return [self._link(document) for document in self._links.find(query).sort("_id", 1).limit(limit)]

    def expiring(self, before: datetime, limit: int) -> list[ProviderLink]:
        found = self._links.find({"refresh_at": {"$lt": before}}).sort("refresh_at", 1).limit(limit)
        return [self._link(document) for document in found]

    def save(self, link: ProviderLink) -> None:
        replacement = self._document(link) | {"version": link.version + 1}
        replaced = self._links.replace_one({"_id": link.id, "version": link.version}, replacement)
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()
        link.version += 1

    def remove(self, link: ProviderLink, events: Sequence[Event]) -> None:
        def delete() -> None:
            deleted = self._links.delete_one(
                {"_id": link.id, "version": link.version}, session=self._mongo.session
            )
            if deleted.deleted_count == 0:
                raise ConcurrentUpdate()
            self._outbox.append(events, link.version + 1)

        self._mongo.transaction(delete)

    def _document(self, link: ProviderLink) -> dict[str, Any]:
        document: dict[str, Any] = {
            "_id": link.id,
            "account_id": link.account_id,
            "provider": link.provider,
            "subject": link.subject,
            "username": link.username,
            "linked_at": link.linked_at,
            "version": link.version,
        }
        if link.tokens is not None:
            sealed = json.dumps([link.tokens.access_token, link.tokens.refresh_token])
            document |= {"sealed_tokens": self._box.encrypt(sealed), "expires_at": link.tokens.expires_at}
            if link.tokens.refresh_token:
                document["refresh_at"] = link.tokens.expires_at
        return document

    def _link(self, document: dict[str, Any]) -> ProviderLink:
        tokens = None
        if "sealed_tokens" in document:
            access, refresh = json.loads(self._box.decrypt(document["sealed_tokens"]))
            tokens = ProviderTokens(access, refresh, document["expires_at"])
        return ProviderLink(
            id=document["_id"],
            account_id=document["account_id"],
            provider=document["provider"],
            subject=document["subject"],
            username=document["username"],
            linked_at=document["linked_at"],
            tokens=tokens,
            version=document["version"],
        )
