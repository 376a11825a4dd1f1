"""Two hundred clients, and a service that dies and comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compose import programs, readiness
from compose.bench.rows.http import a_brand
from compose.chaos.row import Findings, Trial
from compose.chaos.servers import Servers
from compose.chaos.visitors import Answer, Plan, share, visiting
from compose.lifecycle import SECONDS_FOR_PLATFORM
from compose.stack import Stack
from compose.supervisor import Supervisor

CLIENTS = 200
READS_PER_SECOND = 100
"""Far below what two cores serve beside their clients: the row shows what a death changes."""

VICTIM, ITS_PATH = "brand", "/v1/brands/me"
OTHERS = ("/v1/campaigns", "/v1/wallet", "/v1/notifications")
SECONDS_TO_SETTLE = 3.0
SLOWEST_ANSWER = 6.5
"""A call's deadline and some time for everything else."""

QUIET_WINDOWS = 3
BYSTANDER, BYSTANDER_STARTS = "streamer", 2
"""Starting a process takes one of two processors, whoever has died or not. So a service that nobody asks for
gets a second process before, and what that does to the others is part of the noise."""

LEAST_NOISE_SECONDS = 0.05


@dataclass(frozen=True)
class Window:
    began: float
    ended: float

    def of(self, answers: Sequence[Answer]) -> list[Answer]:
        return [answer for answer in answers if self.began <= answer.at < self.ended]


def one_service_dies(stack: Stack, trial: Trial) -> Findings:
    """`count` seconds, and those for which others start before; a third of them before it is killed."""
    plan = Plan(stack.public_url, authorization(stack), (ITS_PATH, *OTHERS), CLIENTS, READS_PER_SECOND)
    with visiting(plan) as visit:
        time.sleep(SECONDS_TO_SETTLE)
        before = [
            *(during(lambda: time.sleep(trial.count / 3 / QUIET_WINDOWS)) for _ in range(QUIET_WINDOWS)),
            *(during(lambda: start_another(stack)) for _ in range(BYSTANDER_STARTS)),
        ]
        time.sleep(SECONDS_TO_SETTLE)
        away = during(lambda: die_and_return(stack))
        trial.say(f"{VICTIM} was back after {away.ended - away.began:.1f} s")
        time.sleep(trial.count * 2 / 3)
    return judged(visit.answers, before, away)


def during(work: Callable[[], None]) -> Window:
    began = time.monotonic()
    work()
    return Window(began, time.monotonic())


def start_another(stack: Stack) -> None:
    stand_in = programs.stand_in(BYSTANDER, stack)
    supervisor = Supervisor(stack.layout)
    supervisor.start([stand_in.name])
    readiness.wait([stand_in], stack.layout, SECONDS_FOR_PLATFORM)
    supervisor.stop([stand_in.name])


def die_and_return(stack: Stack) -> None:
    Servers.of_stack(stack).kill(VICTIM)
    readiness.wait([programs.service(VICTIM, stack)], stack.layout, SECONDS_FOR_PLATFORM)


def judged(answers: Sequence[Answer], before: Sequence[Window], away: Window) -> Findings:
    """The others may be as much slower than ever before as their windows before differed among themselves."""
    of_others = [answer for answer in answers if answer.path != ITS_PATH]
    its_own = [answer for answer in answers if answer.path == ITS_PATH]
    afterwards = Window(away.ended + SECONDS_TO_SETTLE, float("inf"))
    usual = [share(window.of(of_others), 99) for window in before]
    p99 = share(away.of(of_others), 99)
    p99_afterwards = share(afterwards.of(of_others), 99)
    allowed = max(usual) + max(max(usual) - min(usual), LEAST_NOISE_SECONDS)
    slowest = max(answers, key=lambda answer: answer.seconds)
    violations = [
        *broken(Counter(a.status for a in of_others if a.status != "200"), "of the services that live"),
        *broken(Counter(a.status for a in answers if a.status not in ("200", "503")), "of any service"),
        *broken(
            Counter(a.status for a in afterwards.of(its_own) if a.status != "200"), f"of {VICTIM}, back again"
        ),
    ]
    if slowest.seconds > SLOWEST_ANSWER:
        violations.append(f"{slowest.path} took {slowest.seconds:.1f} s, and ended in {slowest.status}")
    for when, seconds in (("while it was away", p99), ("afterwards", p99_afterwards)):
        if seconds > allowed:
            violations.append(f"p99 of the others was {seconds:.3f} s {when}, with {allowed:.3f} s for noise")
    if not afterwards.of(its_own) or not away.of(of_others):
        violations.append("the run was too short to see anything")
    figures = {
        "answers": len(answers),
        "refused": sum(answer.status == "503" for answer in answers),
        "seconds_away": round(away.ended - away.began, 1),
        "p99_before_ms": [round(seconds * 1000) for seconds in usual],
        "p99_allowed_ms": round(allowed * 1000),
        "p99_meanwhile_ms": round(p99 * 1000),
        "p99_afterwards_ms": round(p99_afterwards * 1000),
        "slowest_s": round(slowest.seconds, 1),
    }
    return Findings(figures, violations)


def broken(statuses: Counter[str], whose: str) -> list[str]:
    return [f"{count} answers {whose} were {status}" for status, count in statuses.items()]


def authorization(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_brand(stack.public_url)}"}
