"""Looks at the ledger every 100 ms, in one snapshot: whatever dies, it is right at each moment."""

from __future__ import annotations

import threading
from types import TracebackType

import sqlalchemy as sa

EVERY_SECONDS = 0.1

SUMS = sa.text("SELECT currency, sum(amount) FROM postings GROUP BY currency HAVING sum(amount) <> 0")
NEGATIVE = sa.text(
    "SELECT kind, owner, balance FROM accounts WHERE balance < 0 AND kind <> 'provider_clearing'"
)
MISMATCHED = sa.text(
    "SELECT a.kind, a.owner, a.balance, coalesce(sum(p.amount), 0) AS posted"
    " FROM accounts a LEFT JOIN postings p ON p.account_id = a.id"
    " GROUP BY a.id HAVING a.balance <> coalesce(sum(p.amount), 0)"
)
RULES = {
    "does not sum to zero": SUMS,
    "may not be negative": NEGATIVE,
    "is not the sum of its postings": MISMATCHED,
}


class Sampler:
    """`violations` fills while it runs; samples that the database did not answer are counted apart."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(
            url, pool_size=1, pool_pre_ping=True, connect_args={"connect_timeout": 3}
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.samples = self.unanswered = 0
        self.violations: set[str] = set()

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._engine.dispose()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.run_once()
            except sa.exc.SQLAlchemyError:
                self.unanswered += 1

    def run_once(self) -> None:
        """One snapshot, so that what is committed while we look is seen as a whole or not at all."""
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            for rule, query in RULES.items():
                for row in connection.execute(query):
                    self.violations.add(f"{' '.join(map(str, row))} {rule}")
        self.samples += 1
