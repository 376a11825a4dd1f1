"""kill -9 of the broker while events are confirmed, again and again; how long until work goes on."""

from __future__ import annotations

import signal
import statistics
import time

from compose.chaos import traffic
from compose.chaos.rig import Rig
from compose.chaos.row import Findings

SECONDS_TO_RECOVER = 30.0
SECONDS_FOR_THE_PORT = 60.0
OLD_ENOUGH = 5.0
"""A quorum queue that is killed within half a second of its declaration loses confirmed messages."""

FROZEN = 0.3
"""Every second time it is frozen first, so that it surely dies with messages in its socket."""


def run(rig: Rig, count: int) -> Findings:
    """`count` kills."""
    rig.start_all("taker", "maker")
    time.sleep(OLD_ENOUGH)
    recoveries: list[float] = []
    with traffic.flowing(rig):
        for number in range(count):
            time.sleep(rig.random.uniform(0.5, 1.5))
            recoveries.append(recovery(rig, number))
            rig.say(f"kill {number + 1} of {count}: work went on after {recoveries[-1]:.1f} s")
    slow = [
        f"work went on {seconds:.1f} s after the port"
        for seconds in recoveries
        if seconds > SECONDS_TO_RECOVER
    ]
    figures = {
        "kills": count,
        "recovery_median": round(statistics.median(recoveries), 1),
        "recovery_worst": round(max(recoveries), 1),
        **rig.journal.figures(),
    }
    return Findings(figures, [*slow, *rig.violations()])


def recovery(rig: Rig, number: int) -> float:
    """Seconds from the port's return to the first event that was made and handled since."""
    if number % 2:
        rig.servers.send("rabbitmq", signal.SIGSTOP)
        time.sleep(FROZEN)
    rig.servers.kill("rabbitmq")
    rig.wait_until(lambda: not answers(rig), "the broker is dead")
    rig.wait_until(lambda: answers(rig), "the broker is back", SECONDS_FOR_THE_PORT)
    return rig.seconds_to_go_on(SECONDS_TO_RECOVER)


def answers(rig: Rig) -> bool:
    try:
        rig.connect().close()
    except OSError:
        return False
    return True
