"""Sessions that were ended early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from chassis.clock import Clock
from chassis.errors import Error

log = logging.getLogger(__name__)

AT_ONCE = 100
# Identity may start after us. After 15 minutes every access token from before the gap is over.
SECONDS_BETWEEN_ATTEMPTS = 1.0
ATTEMPTS = 15 * 60


class RevokedSessions:
    """The sessions that were ended while access tokens of theirs are still valid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def add(self, session_id: str, expires_at: datetime) -> None:
        """`expires_at` is when its last access token is over: from then on there is nothing to remember."""
        now = self._clock.now()
        with self._lock:
            self._until = {sid: until for sid, until in self._until.items() if until > now}
            self._until[session_id] = expires_at

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._until

    def __len__(self) -> int:
        return len(self._until)


class CatchUp:
    """Asks for what was ended while this process did not listen: before it started, and in every gap.

    `ask` is identity's `revoked_sessions`; `receive` is given each of them.
    """

    def __init__(
        self, ask: Callable[[dict[str, Any]], dict[str, Any]], receive: Callable[[dict[str, Any]], None]
    ) -> None:
        self._ask = ask
        self._receive = receive

    def something_was_missed(self) -> None:
        """Does not wait, since the listener's reader calls it."""
        threading.Thread(target=self._run, name="catch-up", daemon=True).start()

    def _run(self) -> None:
        for _ in range(ATTEMPTS):
            if self.run_once():
                return
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)

    def run_once(self) -> bool:
        """False when identity could not be asked."""
        try:
            for session in self._all():
                self._receive(session)
        except Error as error:
            log.warning("ended sessions could not be asked for: %s", error)
            return False
        return True

    def _all(self) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {"next_cursor": None}
        while True:
            page = self._ask({"limit": AT_ONCE, "cursor": page["next_cursor"]})
            yield from page["items"]
            if page["next_cursor"] is None:
                return
