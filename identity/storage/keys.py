"""The signing keys in MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis import failpoints
from chassis.crypto import SecretBox
from chassis.mongo import Mongo
from identity.domain.key_ring import KeyPair, KeyRing, KeyTaken, SigningKey

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Keys were kept without dates once; they have signed since then, and their successors are due."""


class MongoSigningKeys:
    """The key's number is its `_id`, so of several processes that make the next one, one succeeds."""

    def __init__(self, mongo: Mongo, box: SecretBox) -> None:
        self._box = box
        self._keys = mongo["signing_keys"]

    def ensure_indexes(self) -> None:
        self._keys.create_index("kid", unique=True, name="kid")

    def ring(self) -> KeyRing:
        return KeyRing([self._key(document) for document in self._keys.find()])

    def add(self, key: SigningKey) -> None:
        document = {
            "_id": key.number,
            "kid": key.kid,
            "x": key.pair.x,
            "sealed_d": self._box.encrypt(key.pair.d),
            "made_at": key.made_at,
            "signs_from": key.signs_from,
            "withdrawn_at": key.withdrawn_at,
        }
        failpoints.reach("write.before")
        try:
            self._keys.insert_one(document)
        except DuplicateKeyError:
            raise KeyTaken() from None
        failpoints.reach("write.after")

    def withdraw(self, kid: str, at: datetime) -> None:
        self._keys.update_one(
            {"kid": kid, "withdrawn_at": None}, {"$set": {"withdrawn_at": at, "sealed_d": ""}}
        )

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
