"""What strikes whom, and when: the same seed gives the same storm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from compose.chaos.proxy import FAULTS
from compose.names import GATEWAY, SERVICES

FULL = 10_000
"""Deliveries at which the numbers below hold; fewer deliveries meet fewer blows."""

KILL, FREEZE, MEMORY, DISK, CABLE = "kill", "freeze", "memory alarm", "disk alarm", "cable"
SERVERS = ("rabbitmq", "postgres", "mongo", "redis")
OURS = (*SERVICES, GATEWAY)
KILLS_OF_OURS = 50
KILLS_OF_A_SERVER = 5
FREEZES = 3
ALARMS = 1
CABLES = 2
"""Of each kind of fault."""

FROZEN_SECONDS = 10.0
ALARM_SECONDS = 10.0
DISTURBED_SECONDS = 4.0
SHORTEST_PAUSE, LONGEST_PAUSE = 1.5, 4.5


@dataclass(frozen=True)
class Blow:
    """`after` is the pause before it, and `seconds` how long it lasts, where it lasts."""

    after: float
    kind: str
    victim: str
    seconds: float = 0.0
    fault: str = ""


def schedule(seed: int, count: int) -> list[Blow]:
    """For so many deliveries."""
    random = Random(seed)  # noqa: S311  A seed reproduces a run; nothing is secret.
    blows = list(_blows(random, count / FULL))
    random.shuffle(blows)
    return [
        Blow(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE), blow.kind, blow.victim, blow.seconds, blow.fault)
        for blow in blows
    ]


def _blows(random: Random, scale: float) -> Iterator[Blow]:
    def times(number: int) -> range:
        return range(max(1, round(number * scale)))

    for _ in times(KILLS_OF_OURS):
        yield Blow(0, KILL, random.choice(OURS))
    for server in SERVERS:
        for _ in times(KILLS_OF_A_SERVER):
            yield Blow(0, KILL, server)
    for _ in times(FREEZES):
        yield Blow(0, FREEZE, random.choice(SERVICES), FROZEN_SECONDS)
    for alarm in (MEMORY, DISK):
        for _ in times(ALARMS):
            yield Blow(0, alarm, "rabbitmq", ALARM_SECONDS)
    for fault in FAULTS:
        for _ in times(CABLES):
            yield Blow(0, CABLE, random.choice(SERVERS), DISTURBED_SECONDS, fault)
