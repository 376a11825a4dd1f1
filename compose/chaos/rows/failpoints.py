"""One crash per point: before and after each write, commit, publish, confirm, mark, acknowledge, reply.

Each new process carries the next point, so that it also proves that the crash before it was survived.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from compose.chaos import traffic
from compose.chaos.rig import Rig
from compose.chaos.row import Findings

POINTS: Mapping[str, Sequence[str]] = {
    "maker": [
        f"{action}.{when}"
        for action in ("write", "commit", "publish", "confirm", "mark", "reply")
        for when in ("before", "after")
    ],
    "taker": [
        f"{action}.{when}" for action in ("write", "commit", "acknowledge") for when in ("before", "after")
    ],
}
SHORT: Mapping[str, Sequence[str]] = {
    "maker": ["commit.after"],
    "taker": ["acknowledge.before"],
}

WHERE_A_GUARD_SHOWS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "sweeper": {"maker": ["commit.after", "publish.before"]},
    "inbox": {"taker": ["commit.after", "acknowledge.before"]},
    "late_acknowledgement": {"taker": ["commit.before"]},
    "redelivery_check": {"maker": ["reply.before"]},
}
"""The sweeper matters after a commit that nobody published, the inbox after one not acknowledged."""

LATEST_TURN = 8
SECONDS_PER_POINT = 30.0


def run(rig: Rig, count: int) -> Findings:
    """`count` bounds nothing here: a point is a point."""
    return crash(rig, WHERE_A_GUARD_SHOWS.get(rig.guard_off, POINTS))


def run_short(rig: Rig, count: int) -> Findings:
    return crash(rig, SHORT)


def crash(rig: Rig, points: Mapping[str, Sequence[str]]) -> Findings:
    # The second maker answers while the first one is dead, and is given what the dead one held.
    rig.start_all("taker", "maker", "maker-2")
    with traffic.flowing(rig):
        missed = [name for service in points for name in chain(rig, service, points[service])]
    figures = {"crashes": sum(map(len, points.values())) - len(missed), **rig.journal.figures()}
    never = [f"the failpoint {name} was never reached" for name in missed]
    return Findings(figures, [*never, *rig.violations()])


def chain(rig: Rig, service: str, points: Sequence[str]) -> list[str]:
    """Let a service die at one point after the other; those that it never got to."""
    missed = []
    for point in points:
        rig.children[service].kill()
        child = rig.start(service, f"{point}:{rig.random.randint(1, LATEST_TURN)}")
        deadline = time.monotonic() + SECONDS_PER_POINT
        while child.is_alive and time.monotonic() < deadline:
            time.sleep(0.05)
        if child.is_alive:
            missed.append(f"{point} of the {service}")
        rig.say(f"{service} died at {point}" if not child.is_alive else f"{service} never reached {point}")
    rig.children[service].kill()
    rig.start(service)
    rig.wait_ready(service)
    return missed
