"""The gateway under load: while a service is dead, and when twice as much comes as it can serve."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from compose import programs, readiness
from compose.bench.rows.http import a_brand
from compose.chaos.row import Findings, Trial
from compose.chaos.servers import Servers
from compose.chaos.visitors import Answer, Plan, share, visiting
from compose.lifecycle import SECONDS_FOR_PLATFORM
from compose.stack import Stack

CLIENTS = 200
READS_PER_SECOND = 100
"""Far below what two cores serve beside their clients: the row shows what a death changes."""

VICTIM, ITS_PATH = "brand", "/v1/brands/me"
OTHERS = ("/v1/campaigns", "/v1/wallet", "/v1/notifications")
SLOWEST_ANSWER = 6.5
"""A call's deadline and some time for everything else."""

NOISE_FACTOR, NOISE_SECONDS = 2.0, 0.1
"""Within these the slowest hundredth of the others may differ: starting a process takes one of two cores."""

CROWD = 1000
WARM_UP_SECONDS, MEASURED_SECONDS = 3.0, 6.0
SECONDS_TO_REFUSE = 0.05
SECONDS_TO_SERVE = 1.0
"""The last of those whom the gateway lets in waits about 0.4 s with a core of its own."""


def one_service_dies(stack: Stack, trial: Trial) -> Findings:
    """For `count` seconds; the service is killed after a third of them."""
    plan = Plan(stack.public_url, authorization(stack), (ITS_PATH, *OTHERS), CLIENTS, READS_PER_SECOND)
    with visiting(plan) as visit:
        time.sleep(trial.count / 3)
        killed_at = time.monotonic()
        Servers.of_stack(stack).kill(VICTIM)
        readiness.wait([programs.service(VICTIM, stack)], stack.layout, SECONDS_FOR_PLATFORM)
        back_at = time.monotonic()
        trial.say(f"{VICTIM} was back after {back_at - killed_at:.1f} s")
        time.sleep(trial.count * 2 / 3)
    return judged(visit.answers, killed_at, back_at)


def judged(answers: Sequence[Answer], killed_at: float, back_at: float) -> Findings:
    of_others = [answer for answer in answers if answer.path != ITS_PATH]
    before = [answer for answer in of_others if answer.at < killed_at]
    meanwhile = [answer for answer in of_others if killed_at <= answer.at < back_at]
    afterwards = [answer for answer in answers if answer.path == ITS_PATH and answer.at > back_at + 3]
    p99 = {name: share(some, 99) for name, some in (("before", before), ("meanwhile", meanwhile))}
    slowest = max(answers, key=lambda answer: answer.seconds)
    allowed = max(p99["before"] * NOISE_FACTOR, p99["before"] + NOISE_SECONDS)
    violations = [
        *broken(Counter(a.status for a in of_others if a.status != "200"), "of the services that live"),
        *broken(Counter(a.status for a in answers if a.status not in ("200", "503")), "of any service"),
        *broken(Counter(a.status for a in afterwards if a.status != "200"), f"of {VICTIM}, back again"),
    ]
    if slowest.seconds > SLOWEST_ANSWER:
        violations.append(f"{slowest.path} took {slowest.seconds:.1f} s, and ended in {slowest.status}")
    if p99["meanwhile"] > allowed:
        violations.append(f"p99 of the others rose from {p99['before']:.3f} s to {p99['meanwhile']:.3f} s")
    if not afterwards or not meanwhile:
        violations.append("the run was too short to see anything")
    statuses = Counter(answer.status for answer in answers)
    figures = {
        "answers": len(answers),
        "refused": statuses["503"],
        "seconds_away": round(back_at - killed_at, 1),
        "p99_before_ms": round(p99["before"] * 1000),
        "p99_meanwhile_ms": round(p99["meanwhile"] * 1000),
        "slowest_s": round(slowest.seconds, 1),
    }
    return Findings(figures, violations)


def broken(statuses: Counter[str], whose: str) -> list[str]:
    return [f"{count} answers {whose} were {status}" for status, count in statuses.items()]


def twice_the_capacity(stack: Stack, trial: Trial) -> Findings:
    """Finds out how much is served, then has twice as much come for `count` seconds."""
    headers = authorization(stack)

    def plan(rate: float, clients: int = CROWD) -> Plan:
        return Plan(stack.public_url, headers, (ITS_PATH,), clients, rate)

    # More than can be served, by few enough that none is refused.
    capacity = served_per_second(plan(10_000, CLIENTS // 4), MEASURED_SECONDS)
    trial.say(f"{capacity:.0f} reads a second are served")
    with visiting(plan(2 * capacity)) as visit:
        time.sleep(WARM_UP_SECONDS)
        began = time.monotonic()
        time.sleep(trial.count)
        ended = time.monotonic()
    return weighed([a for a in visit.answers if began <= a.at < ended], capacity, ended - began)


def served_per_second(plan: Plan, seconds: float) -> float:
    with visiting(plan) as visit:
        time.sleep(WARM_UP_SECONDS)
        before = len(visit.answers)
        time.sleep(seconds)
        return (len(visit.answers) - before) / seconds


def weighed(answers: Sequence[Answer], capacity: float, seconds: float) -> Findings:
    served = [answer for answer in answers if answer.status == "200"]
    refused = [answer for answer in answers if answer.status == "503"]
    figures = {
        "capacity_per_s": round(capacity),
        "came_per_s": round(len(answers) / seconds),
        "served_per_s": round(len(served) / seconds),
        "refused_per_s": round(len(refused) / seconds),
        "served_p95_ms": round(share(served, 95) * 1000),
        "refused_p50_ms": round(share(refused, 50) * 1000),
        "refused_p95_ms": round(share(refused, 95) * 1000),
    }
    others = Counter(answer.status for answer in answers if answer.status not in ("200", "503"))
    violations = broken(others, "to too many requests")
    if not refused:
        violations.append("nothing was refused: not enough came")
    if share(served, 95) > SECONDS_TO_SERVE:
        violations.append(f"p95 of what was served is {share(served, 95):.2f} s")
    if share(refused, 95) > SECONDS_TO_REFUSE:
        violations.append(f"p95 of what was refused is {share(refused, 95) * 1000:.0f} ms")
    return Findings(figures, violations)


def authorization(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_brand(stack.public_url)}"}
