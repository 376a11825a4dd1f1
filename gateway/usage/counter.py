"""What one process has counted and not yet reported."""

from __future__ import annotations

import logging
import os
import threading
from datetime import date

from prometheus_client import Counter

from gateway.usage.store import ERRORS, LIMITED, OK, Count, Counts, Usage, UsageUnavailable

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0

# 50 keys of a brand make 150 of these a day. Beyond that, a Redis that stays away must not take all memory.
MOST_COUNTED = 50_000
# One script of so many additions keeps Redis from everybody else for a few milliseconds.
MOST_AT_ONCE = 1_000

FORGOTTEN = Counter("gateway_key_usage_forgotten_total", "Requests of API keys that were not counted")


class UsageCounter:
    """What the requests of this process add, until it is reported."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._counted: dict[Count, int] = {}
        self._unconfirmed: list[tuple[str, Counts]] = []
        self._lock = threading.Lock()
        self._reporting = threading.Lock()
        self._is_away = False

    def count(self, key_id: str, day: date, status: int) -> None:
        count = Count(key_id, day.toordinal(), outcome_of(status))
        with self._lock:
            before = self._counted.get(count, 0)
            is_forgotten = not before and len(self._counted) >= MOST_COUNTED
            if not is_forgotten:
                self._counted[count] = before + 1
        if is_forgotten:
            FORGOTTEN.inc()

    def start(self) -> None:
        threading.Thread(target=self._run, name="key-usage", daemon=True).start()

    def _run(self) -> None:
        wait = threading.Event().wait
        while not wait(SECONDS_BETWEEN_REPORTS):
            try:
                self.run_once()
            except Exception:
                log.exception("what API keys were used for was not reported")

    def run_once(self) -> None:
        """Reports what was counted; a batch whose answer was lost is sent again under its id."""
        with self._reporting:
            try:
                self._report()
            except UsageUnavailable as error:
                self._say(is_away=True, error=error.__cause__)
                return
            self._say(is_away=False)

    def _report(self) -> None:
        while self._unconfirmed or self._counted:
            if not self._unconfirmed:
                self._unconfirmed = self._batches()
            while self._unconfirmed:
                self._usage.add(*self._unconfirmed[0])
                del self._unconfirmed[0]

    def _batches(self) -> list[tuple[str, Counts]]:
        with self._lock:
            counted, self._counted = list(self._counted.items()), {}
        starts = range(0, len(counted), MOST_AT_ONCE)
        return [(os.urandom(16).hex(), dict(counted[first : first + MOST_AT_ONCE])) for first in starts]

    def _say(self, *, is_away: bool, error: BaseException | None = None) -> None:
        if is_away != self._is_away:
            self._is_away = is_away
            log.warning("API keys' use is %s (%s)", "kept here" if is_away else "reported again", error)


def outcome_of(status: int) -> str:
    if status == 429:
        return LIMITED
    return OK if status < 400 else ERRORS
