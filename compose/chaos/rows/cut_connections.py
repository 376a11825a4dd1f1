"""The cable to the broker and to MongoDB is cut, slowed and silenced under load, and healed again."""

from __future__ import annotations

import itertools
import time

from compose.chaos import traffic
from compose.chaos.proxy import DELAY, HALF_CLOSE, RESET, SILENCE, Proxy
from compose.chaos.rig import Rig, port_of
from compose.chaos.row import Findings

DROP = "drop"
"""Silence, and then a reset: what was sent meanwhile never arrives, and nobody can know what it was."""

ORDEALS = (
    ("rabbitmq", DROP),
    ("rabbitmq", HALF_CLOSE),
    ("mongo", RESET),
    ("rabbitmq", DELAY),
    ("rabbitmq", RESET),
    ("mongo", DROP),
    ("rabbitmq", SILENCE),
    ("mongo", DELAY),
)
"""All of them come before one comes again, so that a short run, too, begins with the hardest."""

SECONDS_OF_CALM = (0.5, 1.5)
SECONDS_OF_TROUBLE = (0.5, 3.0)
SECONDS_OF_DELAY = (0.05, 0.4)
SECONDS_TO_RECOVER = 30.0
GRACE = 1.0
"""How long after its deadline a call may be told."""


def run(rig: Rig, count: int) -> Findings:
    """`count` disturbances."""
    ports = {"rabbitmq": port_of(rig.servers.amqp_uri), "mongo": port_of(rig.servers.mongo_uri)}
    with Proxy(ports) as proxy:
        rig.connect_through(proxy)
        rig.start_all("taker", "maker")
        recoveries: list[float] = []
        with traffic.flowing(rig):
            for number, (server, fault) in enumerate(itertools.islice(itertools.cycle(ORDEALS), count), 1):
                time.sleep(rig.random.uniform(*SECONDS_OF_CALM))
                trouble(rig, proxy, server, fault)
                recoveries.append(rig.seconds_to_go_on(SECONDS_TO_RECOVER))
                rig.say(f"{number} of {count}, {fault} to {server}: went on after {recoveries[-1]:.1f} s")
        violations = rig.violations()
    figures = {
        "disturbances": count,
        "recovery_worst": round(max(recoveries), 1),
        "answered_after_deadline": round(rig.latest_answer, 2),
        **rig.journal.figures(),
    }
    return Findings(figures, [*judged(recoveries, rig.latest_answer), *violations])


def trouble(rig: Rig, proxy: Proxy, server: str, fault: str) -> None:
    seconds = rig.random.uniform(*SECONDS_OF_TROUBLE)
    proxy.disturb(server, SILENCE if fault == DROP else fault, rig.random.uniform(*SECONDS_OF_DELAY))
    time.sleep(seconds)
    if fault == DROP:
        proxy.disturb(server, RESET)
    proxy.heal(server)


def judged(recoveries: list[float], after_deadline: float) -> list[str]:
    found = [f"work went on {s:.1f} s after the trouble" for s in recoveries if s > SECONDS_TO_RECOVER]
    if after_deadline > GRACE:
        found.append(f"a call was answered {after_deadline:.1f} s after its deadline")
    return found
