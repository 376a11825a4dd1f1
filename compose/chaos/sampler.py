"""Looks at the books every 100 ms, in one snapshot: whatever dies, they are right at each moment.

Nothing that was there once may be missing later, either: a server that forgets what it has acknowledged is
found out by the first look after its death.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import pymongo
import pymongo.errors
import sqlalchemy as sa
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern

EVERY_SECONDS = 0.1
PATIENCE_MS = 3_000

SUMS = sa.text("SELECT currency, sum(amount) FROM postings GROUP BY currency HAVING sum(amount) <> 0")
NEGATIVE = sa.text(
    "SELECT kind, owner, balance FROM accounts WHERE balance < 0 AND kind <> 'provider_clearing'"
)
MISMATCHED = sa.text(
    "SELECT a.kind, a.owner, a.balance, coalesce(sum(p.amount), 0) AS posted"
    " FROM accounts a LEFT JOIN postings p ON p.account_id = a.id"
    " GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)"
)
POSTINGS = sa.text("SELECT count(*) FROM postings")
RULES = {
    "does not sum to zero": SUMS,
    "may not be negative": NEGATIVE,
    "is not the sum of its postings": MISMATCHED,
}


class Sampler:
    """`violations` fills while it runs; samples that the database did not answer are counted apart."""

    unanswerable: tuple[type[Exception], ...] = ()

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples = self.unanswered = 0
        self.violations: set[str] = set()
        self._most: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.close()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.run_once()
            except self.unanswerable:
                self.unanswered += 1
            except Exception as error:
                # Whoever looks no more sees nothing wrong, which must not pass for a promise that was kept.
                self.violations.add(f"the sampler can look no more: {error!r}")
                raise

    def run_once(self) -> None:
        """One look, in one snapshot, so that what is committed meanwhile is seen as a whole or not at all."""
        self.look()
        self.samples += 1

    def look(self) -> None:
        """Note what breaks a rule."""

    def close(self) -> None:
        """Nothing is looked at any more."""

    def only_grows(self, what: str, number: int) -> None:
        if number < self._most[what]:
            self.violations.add(f"{what}: {self._most[what] - number} of {self._most[what]} are gone")
        self._most[what] = max(self._most[what], number)


class LedgerSampler(Sampler):
    unanswerable = (sa.exc.SQLAlchemyError,)

    def __init__(self, url: str) -> None:
        super().__init__()
        self._engine = sa.create_engine(
            url, pool_size=1, pool_pre_ping=True, connect_args={"connect_timeout": 3}
        )

    def look(self) -> None:
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            for rule, query in RULES.items():
                for row in connection.execute(query):
                    self.violations.add(f"{' '.join(map(str, row))} {rule}")
            self.only_grows("postings", connection.execute(POSTINGS).scalar_one())

    def close(self) -> None:
        self._engine.dispose()


class ShowingsSampler(Sampler):
    """What participation has stored of showings, and what it has counted of them."""

    unanswerable = (pymongo.errors.PyMongoError,)

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            uri, serverSelectionTimeoutMS=PATIENCE_MS, socketTimeoutMS=PATIENCE_MS
        )
        self._database = self._client["gametriggers_participation"]

    def look(self) -> None:
        with (
            self._client.start_session() as session,
            session.start_transaction(read_concern=ReadConcern("snapshot")),
        ):
            participations = self._all("participations", session, "counts.rendered", "status", "campaign_id")
            buckets = self._all("deliveries", session, "participation_id", "number", "deliveries")
            places = self._all("places", session, "taken")
        for bucket in buckets:
            bucket["deliveries"] = json.loads(bucket["deliveries"])
        self.violations.update(uncounted(participations, buckets), misplaced(participations, places))
        for row in participations:
            self.only_grows(f"showings of {row['_id']}", row["counts"]["rendered"])

    def _all(self, collection: str, session: ClientSession, *fields: str) -> list[dict[str, Any]]:
        return list(self._database[collection].find({}, dict.fromkeys(fields, 1), session=session))

    def close(self) -> None:
        self._client.close()


Rows = Iterable[Mapping[str, Any]]
PLACED = ("approved", "active", "paused", "completed")


def uncounted(participations: Rows, buckets: Rows) -> list[str]:
    """Each showing is stored once, in buckets without a gap, and counted with its bucket."""
    stored: Counter[str] = Counter()
    numbers: dict[str, list[int]] = {}
    ids: Counter[str] = Counter()
    for bucket in buckets:
        stored[bucket["participation_id"]] += len(bucket["deliveries"])
        numbers.setdefault(bucket["participation_id"], []).append(bucket["number"])
        ids.update(delivery["id"] for delivery in bucket["deliveries"])
    found = [
        f"{row['_id']} counts {row['counts']['rendered']} showings, stored are {stored[row['_id']]}"
        for row in participations
        if row["counts"]["rendered"] != stored[row["_id"]]
    ]
    found += [f"a bucket of {key} is missing" for key, own in numbers.items() if has_gap(own)]
    return found + [f"the showing {one} is stored {times} times" for one, times in ids.items() if times > 1]


def has_gap(numbers: list[int]) -> bool:
    return max(numbers) - min(numbers) + 1 != len(set(numbers))


def misplaced(participations: Rows, places: Rows) -> list[str]:
    """As many places are taken as there are participations that hold one."""
    held = Counter(row["campaign_id"] for row in participations if row["status"] in PLACED)
    return [
        f"{row['taken']} places of {row['_id']} are taken, {held[row['_id']]} are held"
        for row in places
        if row["taken"] != held[row["_id"]]
    ]
