"""How long requests wait, which says whether more come than can be served; how many they are does not.

The rule is CoDel's (RFC 8289), in the form that servers use (B. Maurer, Fail at Scale, ACM Queue 13/8, 2015):
a queue that empties again is a burst and does good; one that stands only makes everybody late.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Any

# struct tcp_info of Linux (tcp(7)): tcpi_last_data_recv, in milliseconds, after 8 bytes and 11 numbers.
MILLISECONDS_SINCE_DATA = struct.Struct("=52xI")


def waited(connection: Any) -> float:
    """Seconds for which the request whose turn has come on this connection was there, as the kernel knows it.

    It counts from the last packet, in steps of a few milliseconds, and 0 when unknown: in the listener's
    backlog, in the connection's buffer, behind others in our loop, and while others had the processor.
    """
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, MILLISECONDS_SINCE_DATA.size)
        return float(MILLISECONDS_SINCE_DATA.unpack(info)[0]) / 1000
    except (AttributeError, OSError, struct.error):
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds. A queue stands when `fewest` in a row waited longer than `target`, and for an `interval`.

    It stands no more when nobody who came during an `interval` did. A few who are late, since something else
    has the processor, are no queue.
    """

    target: float
    interval: float
    fewest: int


class StandingQueue:
    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._in_a_row = 0
        self._late_since = self._late_at = float("-inf")
        self._stands = False

    def note(self, waited: float, now: float) -> bool:
        """Whether somebody who waited so long has stood in a queue that stands."""
        patience = self._patience
        # By when they came, and not by when they were looked at: this process may have stood still itself.
        if now - waited - self._late_at >= patience.interval:
            self._in_a_row, self._stands = 0, False
        if waited <= patience.target:
            self._in_a_row = 0
            return False
        self._late_at = now
        if not self._in_a_row:
            self._late_since = now
        self._in_a_row += 1
        is_long = self._in_a_row >= patience.fewest and now - self._late_since >= patience.interval
        self._stands = self._stands or is_long
        return self._stands


class AdaptiveLimit:
    """How many may wait for something that has a queue, so that the queue does not stand.

    It is halved while the queue stands, and grows by one when as many as it allows came back in time
    (AIMD, as in TCP). What is slow by nature, and not because of a queue, keeps `floor`.
    """

    SHRINKS_TO = 0.5
    SECONDS_TO_FORGET = 10.0

    def __init__(self, patience: Patience, floor: int, most: int) -> None:
        self._queue = StandingQueue(patience)
        self._interval = patience.interval
        self._floor = min(floor, most)
        self._most = most
        self._limit = float(most)
        self._shrunk_at = float("-inf")

    def allows(self, under_way: int) -> bool:
        """Whether one more may come to those who are under way."""
        return under_way < int(self._limit)

    def note(self, took: float, under_way: int, now: float) -> None:
        """What one took who is back, and how many were under way with it."""
        if self._queue.note(took, now):
            # What comes back now shows the latest change only when it was sent after it.
            if now - took >= self._shrunk_at:
                self._shrunk_at = now
                self._limit = max(self._floor, min(self._limit, under_way) * self.SHRINKS_TO)
        elif now - self._shrunk_at >= self.SECONDS_TO_FORGET:
            self._limit = self._most
        elif under_way >= int(self._limit):
            self._limit = min(self._most, self._limit + 1 / self._limit)
