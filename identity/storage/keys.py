"""The signing keys in MongoDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.crypto import SecretBox
from chassis.mongo import Mongo
from identity.signing import SigningKey


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
