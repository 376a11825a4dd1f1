"""What keeps one service's trouble from becoming everybody's: a bulkhead and a circuit breaker for each.

The bulkhead is as wide as the service is quick: it shrinks while calls queue before it.

State is a process's own: what a worker has not seen fail, it tries, and it asks no other for its opinion.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Gauge

from chassis.context import EMPTY, CallContext
from chassis.errors import ServiceUnavailable
from gateway.state import Caller
from gateway.waiting import AdaptiveLimit, Patience

log = logging.getLogger(__name__)

CLOSED, HALF_OPEN, OPEN = "closed", "half_open", "open"

BREAKER_OPEN = Gauge(
    "gateway_breaker_open", "Workers that do not call this service", ["service"], multiprocess_mode="livesum"
)
REFUSED = Counter("gateway_calls_refused_total", "Calls that were not made", ["service", "reason"])


# Some dozen calls that wait for a service which answers a few hundred in a second.
PATIENCE = Patience(target=0.1, interval=0.2, fewest=16)


# Where a request's environment says that it was refused by a bulkhead.
IS_FULL = "gateway.is_full"


class CircuitOpen(ServiceUnavailable):
    code = "circuit_open"
    title = "A service is not well and is left alone for a moment"


class BulkheadFull(ServiceUnavailable):
    """`is_full` says later whether it still is."""

    code = "bulkhead_full"
    title = "Too many requests wait for a service"

    def __init__(self, service: str, is_full: Callable[[], bool]) -> None:
        super().__init__(f"{service} is busy. Try again in a moment.", retry_after=1)
        self.is_full = is_full


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A breaker opens when `bad_share` of the last `calls` were bad, and tries again after `rest_seconds`.

    It tries one call at a time, and closes when `probes` in a row went well. `slow_seconds` is from when on
    an answer counts as bad.
    """

    calls: int = 20
    bad_share: float = 0.5
    probes: int = 3
    rest_seconds: float = 1.0
    slow_seconds: float = 3.0
    in_flight: int = 256
    # Fewer may wait for a service while every answer takes longer than this, but always so many.
    patience: Patience = PATIENCE
    fewest_in_flight: int = 16


class Breaker:
    """Whether one service may be called now, by what its last calls came to."""

    def __init__(self, policy: Policy, now: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._now = now
        self._recent: deque[bool] = deque(maxlen=policy.calls)
        self._opened_at: float | None = None
        self._is_probing = False
        self._good_probes = 0

    @property
    def state(self) -> str:
        if self._opened_at is None:
            return CLOSED
        return HALF_OPEN if self._has_rested else OPEN

    @property
    def _has_rested(self) -> bool:
        return self._opened_at is not None and self._now() >= self._opened_at + self._policy.rest_seconds

    def admits_probe(self) -> bool:
        """For a breaker that is not closed: after its rest, one caller at a time is let through to see."""
        if self._is_probing or not self._has_rested:
            return False
        self._is_probing = True
        return True

    def went(self, well: bool) -> None:
        """What a call came to. One that was sent before the breaker opened says nothing new."""
        if self._opened_at is not None:
            return
        self._recent.append(well)
        if not well and self._is_bad():
            self._open()

    def probe_went(self, well: bool) -> None:
        self._is_probing = False
        if not well:
            self._open()
            return
        self._good_probes += 1
        if self._good_probes >= self._policy.probes:
            self._opened_at = None

    def _open(self) -> None:
        self._opened_at = self._now()
        self._good_probes = 0
        self._recent.clear()

    def _is_bad(self) -> bool:
        bad = len(self._recent) - sum(self._recent)
        return len(self._recent) == self._policy.calls and bad >= self._policy.calls * self._policy.bad_share


class Compartment:
    """One service's place in this process: its breaker, and how many calls to it wait for an answer."""

    def __init__(self, service: str, policy: Policy, now: Callable[[], float]) -> None:
        self._service = service
        self._policy = policy
        self._now = now
        self._is_open = BREAKER_OPEN.labels(service)
        self.breaker = Breaker(policy, now)
        self._limit = AdaptiveLimit(policy.patience, policy.fewest_in_flight, policy.in_flight)
        self.in_flight = 0

    def is_full(self) -> bool:
        return not self._limit.allows(self.in_flight)

    def run(self, call: Callable[[], Any], *, may_be_slow: bool) -> Any:
        is_probe = self._enter()
        self.in_flight += 1
        started, well = self._now(), False
        try:
            answer = call()
            well = True
        except ServiceUnavailable:
            raise
        except Exception:
            # The service answered, with an error; or it is a bug of ours, which says nothing about it.
            well = True
            raise
        finally:
            now = self._now()
            took = now - started
            if not may_be_slow:
                self._limit.note(took, self.in_flight, now)
            self.in_flight -= 1
            is_slow = took >= self._policy.slow_seconds and not may_be_slow
            self._note(well and not is_slow, is_probe)
        return answer

    def _enter(self) -> bool:
        """Whether this call is the breaker's probe; CircuitOpen or BulkheadFull when it must not be made."""
        # The bulkhead comes first: a caller that it turns away must not be the breaker's probe.
        if self.is_full():
            REFUSED.labels(self._service, BulkheadFull.code).inc()
            raise BulkheadFull(self._service, self.is_full)
        if self.breaker.state == CLOSED:
            return False
        if not self.breaker.admits_probe():
            REFUSED.labels(self._service, CircuitOpen.code).inc()
            raise CircuitOpen(f"{self._service} does not answer as it should.", retry_after=1)
        return True

    def _note(self, well: bool, is_probe: bool) -> None:
        was_closed = self.breaker.state == CLOSED
        (self.breaker.probe_went if is_probe else self.breaker.went)(well)
        is_closed = self.breaker.state == CLOSED
        if was_closed != is_closed:
            self._is_open.set(0 if is_closed else 1)
            log.warning("%s is %s", self._service, "called again" if is_closed else "left alone for a moment")


class GuardedConnection:
    """The calling side of RPC, with a compartment for each service that is called."""

    def __init__(self, connection: Caller, policy: Policy, now: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._policy = policy
        self._now = now
        self._compartments: dict[str, Compartment] = {}

    @property
    def is_ready(self) -> bool:
        return self._connection.is_ready

    def close(self) -> None:
        self._connection.close()

    @property
    def breakers(self) -> dict[str, str]:
        """The state of the breaker of each service that was called so far."""
        return {name: compartment.breaker.state for name, compartment in sorted(self._compartments.items())}

    def call(
        self,
        service: str,
        method: str,
        request: Any,
        *,
        timeout: float | None = None,
        context: CallContext = EMPTY,
    ) -> Any:
        """As `Caller.call`; CircuitOpen or BulkheadFull at once when this service must not be called."""
        compartment = self._compartments.get(service)
        if compartment is None:
            fresh = Compartment(service, self._policy, self._now)
            compartment = self._compartments.setdefault(service, fresh)
        # Who asks for more time than usual has said that a slow answer is a good one.
        return compartment.run(
            lambda: self._connection.call(service, method, request, timeout=timeout, context=context),
            may_be_slow=timeout is not None and timeout > self._policy.slow_seconds,
        )
