"""Sends webhooks to many endpoints at once, and to each of them one after the other.

So a slow server delays what is meant for it, and nobody else's. The bound holds per process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Any, Protocol

import eventlet
from eventlet.greenpool import GreenPool
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

log = logging.getLogger(__name__)

Leased = tuple[Any, str]

# A lane is a greenlet that waits; this many can wait for servers that do not answer.
MOST_LANES = 100

# Within what a stopping container has; what is not finished then is sent again when its lease is over.
SECONDS_TO_FINISH = 6.0


class Leasing(Protocol):
    def __call__(self, of: str | None = None, except_of: Collection[str] = ()) -> Leased | None: ...


class Lanes:
    """`run_once` opens a lane for each endpoint that has something due and no lane, and waits for none."""

    def __init__(self, most: int = MOST_LANES) -> None:
        self._pool = GreenPool(most)
        self._most = most
        self._busy: set[str] = set()
        self._closing = False

    def run_once(self, lease: Leasing, send: Callable[[Any, str], bool]) -> int:
        """How many lanes it opened."""
        opened = 0
        while not self._closing and len(self._busy) < self._most:
            leased = lease(except_of=frozenset(self._busy))
            if leased is None:
                break
            self._busy.add(leased[0].endpoint_id)
            self._pool.spawn_n(self._drive, leased, lease, send)
            opened += 1
        return opened

    def _drive(self, leased: Leased | None, lease: Leasing, send: Callable[[Any, str], bool]) -> None:
        """Ends at the first failure: whoever has just failed is left in peace until the next round."""
        assert leased is not None
        endpoint_id = leased[0].endpoint_id
        try:
            while leased is not None and send(*leased) and not self._closing:
                leased = lease(of=endpoint_id)
        except Exception:
            log.exception("a webhook could not be attempted; it is tried again when its lease is over")
        finally:
            self._busy.discard(endpoint_id)

    def finish(self) -> None:
        """Waits for the requests that are on their way."""
        self._closing = True
        with eventlet.Timeout(SECONDS_TO_FINISH, False):
            self._pool.waitall()


class SharedLanes(DependencyProvider):
    """The container's lanes. They are closed before the database is, and after the last worker."""

    def setup(self) -> None:
        self._lanes = Lanes()

    def stop(self) -> None:
        self._lanes.finish()

    def get_dependency(self, worker_ctx: WorkerContext) -> Lanes:
        return self._lanes
