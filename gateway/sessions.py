"""Sessions that were ended early."""

from __future__ import annotations

import threading
from datetime import datetime

from chassis.clock import Clock


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
