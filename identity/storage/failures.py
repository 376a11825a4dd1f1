"""Failed sign-ins in MongoDB."""

from __future__ import annotations

from typing import Any

from pymongo.errors import DuplicateKeyError

from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.account import ConcurrentUpdate
from identity.domain.lockout import FAILURES_FORGOTTEN_AFTER, Failures, Suspect


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
