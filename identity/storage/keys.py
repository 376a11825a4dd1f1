"""The signing keys in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis import failpoints
from chassis.crypto import SecretBox
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.facts import Fact
from identity.domain.key_ring import KeyPair, KeyRing, KeyTaken, SigningKey

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Keys were kept without dates once; they have signed since then, and their successors are due."""


class MongoSigningKeys:
    """The key's number is its `_id`, so of several processes that make the next one, one succeeds."""

    def __init__(self, mongo: Mongo, outbox: Outbox, box: SecretBox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._box = box
        self._keys = mongo["signing_keys"]

    def ensure_indexes(self) -> None:
        self._keys.create_index("kid", unique=True, name="kid")

    def ring(self) -> KeyRing:
        return KeyRing([self._key(document) for document in self._keys.find()])

    def add(self, key: SigningKey, facts: Sequence[Fact] = ()) -> None:
        document = {
            "_id": key.number,
            "kid": key.kid,
            "x": key.pair.x,
            "sealed_d": self._box.encrypt(key.pair.d),
            "made_at": key.made_at,
            "signs_from": key.signs_from,
            "withdrawn_at": key.withdrawn_at,
        }

        def insert() -> None:
            self._keys.insert_one(document, session=self._mongo.session)

        def insert_and_tell() -> None:
            insert()
            self._outbox.append(facts, 0)

        failpoints.reach("write.before")
        try:
            if facts:
                self._mongo.transaction(insert_and_tell)
            else:
                # The first key may come before its collection, and a transaction that makes one meets others.
                insert()
        except DuplicateKeyError:
            raise KeyTaken() from None
        failpoints.reach("write.after")

    def withdraw(self, kid: str, at: datetime, facts: Sequence[Fact]) -> None:
        def update() -> None:
            live, withdrawn = {"kid": kid, "withdrawn_at": None}, {"withdrawn_at": at, "sealed_d": ""}
            updated = self._keys.update_one(live, {"$set": withdrawn}, session=self._mongo.session)
            if updated.modified_count:
                self._outbox.append(facts, 0)

        self._mongo.transaction(update)

    def forget_private(self, kid: str) -> None:
        self._keys.update_one({"kid": kid}, {"$set": {"sealed_d": ""}})

    def _key(self, document: dict[str, Any]) -> SigningKey:
        sealed = document["sealed_d"]
        return SigningKey(
            number=document["_id"],
            pair=KeyPair(document["kid"], document["x"], self._box.decrypt(sealed) if sealed else ""),
            made_at=document.get("made_at", LONG_AGO),
            signs_from=document.get("signs_from", LONG_AGO),
            withdrawn_at=document.get("withdrawn_at"),
        )
