"""The gateway when twice as much comes as can be served, at its own pace and not at that of the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from compose.bench.rows.http import a_brand
from compose.chaos.altered import unguarded
from compose.chaos.arrivals import Arrivals, Ask, Came, come
from compose.chaos.row import Findings, Trial
from compose.chaos.visitors import Answer, share
from compose.stack import Stack

PATHS = ("/v1/brands/me", "/v1/campaigns", "/v1/wallet", "/v1/notifications")
BRANDS = 15
"""Enough that few reads which come at once are equal: those are one call, and not what costs."""

CLIENTS = 16
"""They keep both workers and every service busy, and are too few for a queue that stands."""

FRESH = 0.05
"""So many come on a connection of their own, through the listener's backlog."""

COMFORTABLE, TOO_MUCH = 0.8, 2.0
WARM_UP_SECONDS, CAPACITY_SECONDS, IDLE_SECONDS = 3.0, 6.0, 3.0
SETTLED_AFTER = 2.0
"""Seconds of the rush that are not counted: whoever comes first finds no queue."""

SECONDS_TO_REFUSE = 0.05
SECONDS_LONGER = 0.25
"""What it may add to p95 of the served: 30 ms before the gateway, 100 ms before a service, and some turns."""

LEAST_SERVED = 0.5
"""Of what is served when no more comes than can be: refusals cost, and take from it."""


@dataclass(frozen=True)
class Rush:
    """Requests a second that can be served, before and after; and what came of each load."""

    capacity: float
    capacity_afterwards: float
    nothing: Sequence[Answer]
    comfortable: Sequence[Answer]
    crowd: Sequence[Answer]
    seconds: float
    generator: Came


def twice_the_capacity(stack: Stack, trial: Trial) -> Findings:
    """`count` is for how many seconds it comes."""
    with unguarded(stack, trial.guard_off):
        return weighed(rush(stack, trial))


def rush(stack: Stack, trial: Trial) -> Rush:
    tokens = [a_brand(stack.public_url) for _ in range(BRANDS)]
    asks = [Ask(path, {"Authorization": f"Bearer {token}"}) for path in PATHS for token in tokens]
    base = Arrivals(stack.public_url, asks, CAPACITY_SECONDS, seed=trial.seed)
    saturating = replace(base, clients=CLIENTS)

    def came(share_of_capacity: float, seconds: float) -> Came:
        return come(replace(base, rate=share_of_capacity * capacity, clients=0, fresh=FRESH, seconds=seconds))

    idle = come(replace(base, asks=[Ask("/health/live", {})], rate=30, seconds=IDLE_SECONDS))
    come(replace(saturating, seconds=WARM_UP_SECONDS))
    capacity = served_per_second(come(saturating))
    trial.say(f"{capacity:.0f} reads a second are served")
    comfortable = came(COMFORTABLE, trial.count / 2)
    crowd = came(TOO_MUCH, trial.count + SETTLED_AFTER)
    began = min(answer.at for answer in crowd.answers)
    return Rush(
        capacity=capacity,
        capacity_afterwards=served_per_second(come(saturating)),
        nothing=idle.answers,
        comfortable=comfortable.answers,
        crowd=[answer for answer in crowd.answers if answer.at >= began + SETTLED_AFTER],
        seconds=trial.count,
        generator=crowd,
    )


def served_per_second(came: Came) -> float:
    return len(came.of("200")) / CAPACITY_SECONDS


def weighed(rush: Rush) -> Findings:
    served = [answer for answer in rush.crowd if answer.status == "200"]
    refused = [answer for answer in rush.crowd if answer.status == "503"]
    before = [answer for answer in rush.comfortable if answer.status == "200"]
    # What a request that costs nothing takes here, with nobody else: what the machine itself adds.
    nothing, comfortable = share(rush.nothing, 95), share(before, 95)
    figures = {
        "capacity_per_s": round(rush.capacity),
        "capacity_afterwards_per_s": round(rush.capacity_afterwards),
        "came_per_s": round(len(rush.crowd) / rush.seconds),
        "served_per_s": round(len(served) / rush.seconds),
        "refused_per_s": round(len(refused) / rush.seconds),
        "nothing_p95_ms": milliseconds(nothing),
        "comfortable_p50_ms": milliseconds(share(before, 50)),
        "comfortable_p95_ms": milliseconds(comfortable),
        "comfortable_refused_percent": round(100 - 100 * len(before) / max(len(rush.comfortable), 1), 1),
        "served_p50_ms": milliseconds(share(served, 50)),
        "served_p95_ms": milliseconds(share(served, 95)),
        "refused_p50_ms": milliseconds(share(refused, 50)),
        "refused_p95_ms": milliseconds(share(refused, 95)),
        "refused_p99_ms": milliseconds(share(refused, 99)),
        "generator_late_p95_ms": milliseconds(rush.generator.late_p95),
        "generator_runs_first": rush.generator.runs_first,
        "generator_processor_percent": rush.generator.processor_percent,
    }
    others = Counter(a.status for a in [*rush.crowd, *rush.comfortable] if a.status not in ("200", "503"))
    violations = [f"{count} answers were {status}" for status, count in others.items()]
    if not refused:
        violations.append("nothing was refused: not enough came")
    if share(served, 95) > comfortable + SECONDS_LONGER:
        violations.append(f"p95 of the served rose from {comfortable:.2f} s to {share(served, 95):.2f} s")
    if share(refused, 95) > SECONDS_TO_REFUSE + nothing:
        violations.append(f"p95 of what was refused is {milliseconds(share(refused, 95))} ms")
    if len(served) / rush.seconds < LEAST_SERVED * min(rush.capacity, rush.capacity_afterwards):
        violations.append(f"{len(served) / rush.seconds:.0f} were served a second, less than half as many")
    return Findings(figures, violations)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
