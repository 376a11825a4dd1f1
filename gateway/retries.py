"""Reads that are tried once more, as long as few of them need it.

What must not happen is that everybody asks twice while a service is down: so each read earns a tenth of a
retry, and a retry costs a whole one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import Counter

from chassis.errors import ServiceUnavailable

EARNED_PER_READ = 0.1
# What a quiet minute may save up for the moment in which a connection breaks under many reads.
MOST_SAVED = 10.0
# Who has waited longer than this is closer to the deadline than to an answer.
LATEST_SECONDS = 1.0
# Long enough for a service that takes over from another, and short for whoever waits.
PAUSE_SECONDS = (0.02, 0.08)

RETRIES = Counter("gateway_read_retries_total", "Reads that nobody took", ["service", "outcome"])


class RetryBudget:
    """One process's retries for all reads of one service."""

    def __init__(self, saved: float = MOST_SAVED) -> None:
        self._saved = saved

    def earn(self) -> None:
        self._saved = min(MOST_SAVED, self._saved + EARNED_PER_READ)

    def spend(self) -> bool:
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Retries:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._budgets: dict[str, RetryBudget] = {}

    def run(self, service: str, read: Callable[[float], Any]) -> Any:
        """`read` is told how many seconds it took until now, to ask for no more than what is left.

        It is tried again when nobody took the request. Not after a deadline, and not when a breaker or a
        bulkhead refused it: those protect the service from just that.
        """
        budget = self._budgets.setdefault(service, RetryBudget())
        budget.earn()
        started = self._now()
        try:
            return read(0.0)
        except ServiceUnavailable as error:
            took = self._now() - started
            if type(error) is not ServiceUnavailable or took > LATEST_SECONDS:
                raise
            if not budget.spend():
                RETRIES.labels(service, "no_budget").inc()
                raise
        time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311  Spreads retries, and hides nothing.
        try:
            answer = read(self._now() - started)
        except Exception:
            RETRIES.labels(service, "failed").inc()
            raise
        RETRIES.labels(service, "served").inc()
        return answer
