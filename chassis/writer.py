"""Sends what many greenlets or threads hand over, in as few system calls as possible.

A link that has been quiet sends at once. On a busy one, messages gather until the writer's turn
comes: a dozen leave with one system call, and one acknowledgement stands for all deliveries before it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from chassis import frames
from chassis.errors import ServiceUnavailable

log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 16 * 1024 * 1024
"""A write to a broker that does not read fails after its time limit; this bounds what gathers until then."""

QUIET_SECONDS = 0.0005
"""A link that has sent nothing for so long is not busy. Waking the writer would cost the message a turn of
the hub, a twentieth of a call's time; under load calls come more often than this."""


PATIENCE_SECONDS = 0.005
"""How long an acknowledgement that may wait does wait for others. One for each call costs a system call here
and work in three of the broker's processes."""

MOST_PATIENT = 12
"""So many are not kept back: with those that are worked on, they have to stay below a consumer's prefetch."""


class Acknowledgements:
    """The deliveries of one channel that are done, and the fewest frames that say so.

    The broker numbers the deliveries of a channel from 1. A frame with `multiple` covers all that came
    before, so it may only name a delivery before which everything is done.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._all_done_up_to = 0
        self._done: set[int] = set()
        self._unsaid: list[int] = []

    def done(self, delivery_tag: int) -> None:
        self._done.add(delivery_tag)
        self._unsaid.append(delivery_tag)

    @property
    def unsaid(self) -> int:
        return len(self._unsaid)

    def rejected(self, delivery_tag: int) -> None:
        """The broker has been told already, by another frame."""
        self._done.add(delivery_tag)

    def take(self) -> bytes:
        """The frames for what was done since the last time; empty when there is nothing to say."""
        if not self._unsaid:
            return b""
        unsaid, self._unsaid = sorted(self._unsaid), []
        while self._all_done_up_to + 1 in self._done:
            self._all_done_up_to += 1
            self._done.discard(self._all_done_up_to)
        covered = [tag for tag in unsaid if tag <= self._all_done_up_to]
        said = [frames.ack(self._channel, covered[-1], multiple=len(covered) > 1)] if covered else []
        said += (frames.ack(self._channel, tag, multiple=False) for tag in unsaid[len(covered) :])
        return b"".join(said)


class Writer:
    """The only one who writes to a connection's socket, in a thread (or greenlet) of its own."""

    def __init__(self, connection: Any, name: str, on_failure: Callable[[], None]) -> None:
        self.connection = connection
        self.failed = False
        self._send = connection.transport.sock.sendall
        self._on_failure = on_failure
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._acknowledgements: dict[int, Acknowledgements] = {}
        self._stopping = False
        # Whether acknowledgements are due, and whether there are others that may wait for a moment.
        self._acks_are_due = False
        self._acks_wait = False
        self._sent_at = 0.0
        # Holds one token while the thread sleeps. Whoever takes it wakes the thread: deque.pop is atomic.
        self._asleep: deque[None] = deque()
        self._alarm = threading.Lock()
        self._alarm.acquire()
        self._thread = threading.Thread(target=self._run, name=f"amqp-{name}-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send soon, in the order of the calls. ServiceUnavailable when that can't be."""
        if self.failed or self._waiting_bytes > MOST_WAITING_BYTES:
            raise ServiceUnavailable("the connection to the message broker was lost")
        if self._is_quiet() and self._take_turn():
            self._send_now(data)
            return
        self._waiting_bytes += len(data)
        self._waiting.append(data)
        self._wake()

    def acknowledge(self, channel: int, delivery_tag: int, *, may_wait: bool = False) -> None:
        """Acknowledge soon; within PATIENCE_SECONDS when it may wait, together with what comes until then."""
        acknowledgements = self._of(channel)
        acknowledgements.done(delivery_tag)
        if not may_wait or acknowledgements.unsaid >= MOST_PATIENT:
            self._acks_are_due = True
        elif self._acks_wait:
            return
        self._acks_wait = True
        self._wake()

    def reject(self, channel: int, delivery_tag: int, requeue: bool) -> None:
        self.write(frames.reject(channel, delivery_tag, requeue))
        self._of(channel).rejected(delivery_tag)

    def stop(self, timeout: float) -> None:
        """Send what waits, then end."""
        self._stopping = True
        self._wake()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _of(self, channel: int) -> Acknowledgements:
        found = self._acknowledgements.get(channel)
        if found is None:
            found = self._acknowledgements.setdefault(channel, Acknowledgements(channel))
        return found

    def _is_quiet(self) -> bool:
        return not self._waiting and time.monotonic() - self._sent_at > QUIET_SECONDS

    def _take_turn(self) -> bool:
        """Whether the thread slept; then it goes on sleeping until it is woken by whoever asked."""
        try:
            self._asleep.pop()
        except IndexError:
            return False
        return True

    def _wake(self) -> None:
        if self._take_turn():
            self._alarm.release()

    def _send_now(self, data: bytes) -> None:
        try:
            self._send(data)
        except Exception as error:
            self._fail(error)
            raise ServiceUnavailable("the connection to the message broker was lost") from error
        self._sent_at = time.monotonic()
        self._asleep.append(None)
        if self._has_work() or self._acks_wait:
            self._wake()

    def _fail(self, error: Exception) -> None:
        """Part of a frame may be on the wire: this connection can't be used any more."""
        log.debug("an amqp writer ended: %s", error)
        self.failed = True
        self._on_failure()

    def _run(self) -> None:
        try:
            while True:
                if self._has_work():
                    if data := self._gathered():
                        self._send(data)
                        self._sent_at = time.monotonic()
                    elif self._stopping:
                        return
                elif self._acks_wait:
                    if not self._sleep(PATIENCE_SECONDS):
                        self._acks_are_due = True
                else:
                    self._sleep()
        except Exception as error:  # noqa: BLE001  Whatever it is, the link opens another connection.
            self._fail(error)

    def _gathered(self) -> bytes:
        parts: list[bytes] = []
        while self._waiting:
            parts.append(self._waiting.popleft())
        self._waiting_bytes = 0
        self._acks_are_due = self._acks_wait = False
        # After the replies: a request counts as done once its answer is on its way.
        parts += [acknowledgements.take() for acknowledgements in self._acknowledgements.values()]
        return b"".join(parts)

    def _sleep(self, seconds: float | None = None) -> bool:
        """False when nobody woke the thread within that time."""
        self._asleep.append(None)
        # Something may have come between the last look and the token.
        if self._has_work():
            self._wake()
        if seconds is None:
            return self._alarm.acquire()
        if self._alarm.acquire(timeout=seconds):
            return True
        if self._take_turn():
            return False
        # Somebody has taken the token in this moment, and wakes us.
        return self._alarm.acquire()

    def _has_work(self) -> bool:
        return bool(self._waiting) or self._acks_are_due or self._stopping
