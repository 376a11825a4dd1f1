"""Authenticator apps in MongoDB."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.crypto import SecretBox
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import ConcurrentUpdate
from identity.domain.authenticator import Authenticator


class MongoAuthenticators:
    """One per account, whose id is the key; the secret is kept encrypted."""

    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._box = box
        self._authenticators = mongo["authenticators"]

    def ensure_indexes(self) -> None:
        """None: nobody looks for one but by its account."""

    def find(self, account_id: str) -> Authenticator | None:
        found = self._authenticators.find_one({"_id": account_id}, session=self._mongo.session)
        return self._authenticator(found) if found else None

    def save(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        document = self._document(authenticator)

        def swap() -> None:
            if authenticator.version == 0:
                self._authenticators.insert_one(document, session=self._mongo.session)
            else:
                replaced = self._authenticators.replace_one(
                    _unchanged(authenticator), document, session=self._mongo.session
                )
                _must_match(replaced.matched_count)
            self._outbox.append(events, document["version"])

        try:
            self._mongo.transaction(swap)
        except DuplicateKeyError as error:
            raise ConcurrentUpdate() from error
        authenticator.version = document["version"]

    def remove(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        def delete() -> None:
            deleted = self._authenticators.delete_one(_unchanged(authenticator), session=self._mongo.session)
            _must_match(deleted.deleted_count)
            self._outbox.append(events, authenticator.version + 1)

        self._mongo.transaction(delete)

    def _document(self, authenticator: Authenticator) -> dict[str, Any]:
        return {
            "_id": authenticator.account_id,
            "id": authenticator.id,
            "secret": self._box.encrypt(base64.b64encode(authenticator.secret).decode()),
            "created_at": authenticator.created_at,
            "confirmed_at": authenticator.confirmed_at,
            "last_step": authenticator.last_step,
            "recovery_hashes": list(authenticator.recovery_hashes),
            "version": authenticator.version + 1,
        }

    def _authenticator(self, document: dict[str, Any]) -> Authenticator:
        return Authenticator(
            id=document["id"],
            account_id=document["_id"],
            secret=base64.b64decode(self._box.decrypt(document["secret"])),
            created_at=document["created_at"],
            confirmed_at=document["confirmed_at"],
            last_step=document["last_step"],
            recovery_hashes=tuple(document["recovery_hashes"]),
            version=document["version"],
        )


def _unchanged(authenticator: Authenticator) -> dict[str, Any]:
    return {"_id": authenticator.account_id, "id": authenticator.id, "version": authenticator.version}


def _must_match(count: int) -> None:
    if count == 0:
        raise ConcurrentUpdate()
