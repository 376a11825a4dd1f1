"""Limits that all workers hold together, at the price of a few microseconds for a request.

A worker serves a few requests of each subject on credit, and reports what it served five times a second, for
all subjects in one script. Only who has used up the credit waits for Redis. The credits of all workers are at
most 5 % of a quota together, and that is the most by which it can be exceeded. A small quota gives no credit.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import Counter, Gauge

from chassis.errors import ServiceUnavailable, TooManyRequests
from gateway.rates.counts import MOST_SUBJECTS, Counts, CountsUnavailable, LocalCounts, Spend, Standing
from gateway.rates.policies import Policy

log = logging.getLogger(__name__)

SHARE_ON_CREDIT = 0.05
SECONDS_BETWEEN_REPORTS = 0.2
# Above the seconds that a stopped Redis is waited for, so that those who wait are few.
SECONDS_BETWEEN_ATTEMPTS = 1.0
SECONDS_BETWEEN_CLEANINGS = 10.0
# A subject that was silent for so long begins anew with us; Redis remembers it.
IDLE_SECONDS = 60.0
# A script that ran for longer than a few milliseconds would hold up whoever else uses Redis.
AT_ONCE = 100

REFUSED = Counter("gateway_rate_limited_total", "Requests that were over a limit", ["policy"])
DEGRADED = Gauge(
    "gateway_rate_limits_degraded", "Workers that count for themselves", multiprocess_mode="livesum"
)

SHARED, LOCAL, REFUSING = "shared", "local", "closed"


class LimitsUnavailable(ServiceUnavailable):
    code = "rate_limits_unavailable"
    title = "Requests cannot be counted at the moment"


class Taken(NamedTuple):
    """One request counted under one limit; `is_local` when only by this process."""

    policy: Policy
    is_granted: bool
    remaining: int
    resets_at: float
    is_local: bool

    def seconds_left(self, now: float) -> int:
        return max(0, math.ceil(self.resets_at - now))


class RateLimited(TooManyRequests):
    """`taken` is the limit that was used up."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, taken: Taken, now: float) -> None:
        policy = taken.policy
        super().__init__(
            f"At most {policy.quota} requests in {policy.seconds} seconds ({policy.name}).",
            retry_after=max(1, taken.seconds_left(now)),
            **{"violated-policies": [policy.name]},
        )
        self.taken = taken


class Tab:
    """What one subject used under one policy in this process, and may use before Redis has to be asked."""

    __slots__ = ("blocked_until", "credit", "key", "owed", "policy", "remaining", "reported_at", "resets_at")

    def __init__(self, policy: Policy, key: str, credit: int, now: float) -> None:
        self.policy = policy
        self.key = key
        self.owed = 0
        self.credit = credit
        self.remaining = policy.quota
        self.resets_at = now + policy.seconds
        self.blocked_until = 0.0
        self.reported_at = now

    def spend(self, owed: int, wanted: int) -> Spend:
        return Spend(self.key, self.policy.quota, self.policy.seconds, owed, wanted)

    def may_be_forgotten(self, now: float) -> bool:
        """Who is near the limit is remembered until everything that was counted has left the window."""
        if self.owed:
            return False
        idle = now - self.reported_at
        is_far_from_it = self.remaining * 2 >= self.policy.quota
        return idle > (IDLE_SECONDS if is_far_from_it else self.policy.seconds * 1.1)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """`workers` is how many share the quotas; without Redis each grants its share, or nothing at all."""

    policies: Mapping[str, Policy]
    workers: int = 1
    is_open_without_redis: bool = True


class Limiter:
    """Used by one process, whose requests interrupt each other nowhere but while they wait for Redis."""

    def __init__(self, counts: Counts, setup: Setup, now: Callable[[], float] = time.monotonic) -> None:
        self._counts = counts
        self._local = LocalCounts(now)
        self._setup = setup
        self._now = now
        self._tabs: dict[tuple[str, str], Tab] = {}
        self._dirty: list[Tab] = []
        self._is_degraded = False
        self._tried_at = self._cleaned_at = now()
        self._is_closed = threading.Event()

    @property
    def subjects(self) -> int:
        """How many subjects are remembered, once for each of their limits."""
        return len(self._tabs)

    @property
    def mode(self) -> str:
        if not self._is_degraded:
            return SHARED
        return LOCAL if self._setup.is_open_without_redis else REFUSING

    def take(self, names: Sequence[tuple[str, str]]) -> list[Taken]:
        """Counts a request under each of these limits, given as (policy, subject), less those that are off.

        RateLimited when one of them is used up, LimitsUnavailable when nothing is known and must be.
        """
        now = self._now()
        policies = self._setup.policies
        taken = [self._take(policies[name], subject, now) for name, subject in names if name in policies]
        for one in taken:
            if not one.is_granted:
                REFUSED.labels(one.policy.name).inc()
                raise RateLimited(one, now)
        return taken

    def _take(self, policy: Policy, subject: str, now: float) -> Taken:
        if self._is_degraded:
            return self._take_locally(policy, subject, now)
        tab = self._tabs.get((policy.name, subject))
        if tab is None:
            tab = self._open(policy, subject, now)
        if tab.credit > 0:
            tab.credit -= 1
            tab.owed += 1
            if tab.owed == 1:
                self._dirty.append(tab)
            return Taken(policy, True, max(tab.remaining - tab.owed, 0), tab.resets_at, False)
        if now < tab.blocked_until:
            return Taken(policy, False, 0, tab.blocked_until, False)
        return self._ask(tab, subject)

    def _open(self, policy: Policy, subject: str, now: float) -> Tab:
        key = f"{policy.name}:{policy.seconds}:{subject}"
        if len(self._tabs) >= MOST_SUBJECTS:
            # Nothing is kept of it, so it must not get credit again and again.
            return Tab(policy, key, 0, now)
        tab = self._tabs[policy.name, subject] = Tab(policy, key, self._credit(policy, policy.quota), now)
        return tab

    def _credit(self, policy: Policy, remaining: int) -> int:
        share = int(policy.quota * SHARE_ON_CREDIT) // self._setup.workers
        return min(share, remaining // self._setup.workers)

    def _ask(self, tab: Tab, subject: str) -> Taken:
        owed, tab.owed = tab.owed, 0
        try:
            [standing] = self._counts.spend([tab.spend(owed, 1)])
        except CountsUnavailable as error:
            tab.owed += owed
            self._degrade(error)
            return self._take_locally(tab.policy, subject, self._now())
        self._note(tab, standing)
        return Taken(tab.policy, standing.is_granted, standing.remaining, tab.resets_at, False)

    def _note(self, tab: Tab, standing: Standing) -> None:
        now = self._now()
        tab.remaining = standing.remaining
        tab.resets_at = now + standing.seconds
        tab.blocked_until = 0.0 if standing.remaining else tab.resets_at
        tab.credit = max(self._credit(tab.policy, standing.remaining) - tab.owed, 0)
        tab.reported_at = now

    def _take_locally(self, policy: Policy, subject: str, now: float) -> Taken:
        if not self._setup.is_open_without_redis:
            raise LimitsUnavailable("Try again in a moment.", retry_after=1)
        share = Policy(policy.name, -(-policy.quota // self._setup.workers), policy.seconds)
        spend = Spend(f"{policy.name}:{subject}", share.quota, share.seconds, 0, 1)
        [standing] = self._local.spend([spend])
        return Taken(share, standing.is_granted, standing.remaining, now + standing.seconds, True)

    def start(self) -> None:
        threading.Thread(target=self._run, name="rate-limits", daemon=True).start()

    def close(self) -> None:
        self._is_closed.set()

    def _run(self) -> None:
        while not self._is_closed.wait(SECONDS_BETWEEN_REPORTS):
            try:
                self.run_once()
            except Exception:
                log.exception("what was served was not reported")

    def run_once(self) -> None:
        """Reports what was served on credit; asks whether a Redis that was gone is back."""
        now = self._now()
        has_nothing_to_say = self._is_degraded or not self._dirty
        if has_nothing_to_say and now - self._tried_at < SECONDS_BETWEEN_ATTEMPTS:
            return
        self._tried_at = now
        try:
            self._report()
        except CountsUnavailable as error:
            self._degrade(error)
            return
        self._recover()
        if now - self._cleaned_at >= SECONDS_BETWEEN_CLEANINGS:
            self._cleaned_at = now
            self._tabs = {name: tab for name, tab in self._tabs.items() if not tab.may_be_forgotten(now)}

    def _report(self) -> None:
        dirty, self._dirty = self._dirty, []
        tabs = [tab for tab in dict.fromkeys(dirty) if tab.owed]
        try:
            for first in range(0, max(len(tabs), 1), AT_ONCE):
                self._report_some(tabs[first : first + AT_ONCE])
        except CountsUnavailable:
            # Nobody is let off: what is still owed is reported when Redis is back.
            self._dirty += [tab for tab in tabs if tab.owed]
            raise

    def _report_some(self, tabs: Sequence[Tab]) -> None:
        spends = [tab.spend(tab.owed, 0) for tab in tabs]
        for tab in tabs:
            tab.owed = 0
        try:
            standings = self._counts.spend(spends)
        except CountsUnavailable:
            for tab, spend in zip(tabs, spends, strict=True):
                tab.owed += spend.owed
            raise
        for tab, standing in zip(tabs, standings, strict=True):
            self._note(tab, standing)

    def _degrade(self, error: CountsUnavailable) -> None:
        self._tried_at = self._now()
        if not self._is_degraded:
            self._is_degraded = True
            DEGRADED.set(1)
            log.warning(
                "requests are no longer counted together with other workers (%s): %s", self.mode, error
            )

    def _recover(self) -> None:
        if self._is_degraded:
            self._is_degraded = False
            DEGRADED.set(0)
            log.warning("requests are counted together with other workers again")
