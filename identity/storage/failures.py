"""Failed sign-ins in MongoDB."""

from __future__ import annotations

from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from identity.domain.facts import Fact
from identity.domain.lockout import FAILURES_FORGOTTEN_AFTER, Failures, Suspect
from identity.storage.counted import swap


class MongoFailureLog:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._failures = mongo["failures"]

    def ensure_indexes(self) -> None:
        self._failures.create_index(
            "last_at", expireAfterSeconds=int(FAILURES_FORGOTTEN_AFTER.total_seconds()), name="forgotten"
        )

    def note(self, fact: Fact) -> None:
        self._outbox.append([fact], 0)

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
        swap(self._failures, document, failures.version, self._mongo.session)
        failures.version += 1

    def forget(self, suspect: Suspect) -> None:
        self._failures.delete_one({"_id": suspect.key}, session=self._mongo.session)
