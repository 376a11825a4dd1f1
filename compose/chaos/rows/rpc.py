"""A call whose callee is absent, frozen, killed, or behind a broker that has stopped: an error in time.

No request runs after its deadline, and the client keeps nothing of a call that is over.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from compose.chaos import guards
from compose.chaos.rig import Rig
from compose.chaos.row import Findings

DEADLINE = 1.0
GRACE = 1.0
AT_ONCE = 10
TOLD_AT_ONCE = 0.5
"""A missing service is told of by the broker, so nobody waits for the deadline."""

HEARD_LATE = 0.1
"""The deadline is checked when a request arrives; to note that it began takes a moment more."""

LONG = 30.0
SECONDS_TO_THAW = 3.0


class Experiment:
    """Calls, what each was told and when, and when each was run."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.violations: list[str] = []
        self.told: Counter[str] = Counter()
        self.longest = 0.0
        self.deadlines: dict[str, float] = {}
        self._lock = threading.Lock()
        self.client = RpcConnection(rig.uri, "chaos-caller")
        if rig.guard_off == "mandatory":
            guards.careless(self.client)

    def all_fail(self, way: str, calls: int, service: str, within: float = DEADLINE + GRACE) -> None:
        """So many calls, some at once, and each is told an error in time."""
        with ThreadPoolExecutor(AT_ONCE) as callers:
            for number in range(calls):
                callers.submit(self._one_fails, f"{way} {number}", service, within)

    def _one_fails(self, key: str, service: str, within: float) -> None:
        started = time.monotonic()
        self.deadlines[key] = time.time() + DEADLINE
        outcome = self._call(key, service)
        took = time.monotonic() - started
        with self._lock:
            self.told[outcome] += 1
            self.longest = max(self.longest, took)
            if took > within:
                self.violations.append(f"{key} was told {outcome} after {took:.2f} s, not within {within} s")
            if outcome not in ("service_unavailable", "deadline_exceeded"):
                self.violations.append(f"{key} was told {outcome}")

    def _call(self, key: str, service: str) -> str:
        request = {"key": key, "seconds": LONG}
        try:
            self.client.call(service, "run", request, timeout=DEADLINE)
        except Error as error:
            return error.code
        except Exception as error:  # noqa: BLE001  An error without a code is what this row looks for.
            return type(error).__name__
        return "ok"

    def look_for_late_runs(self) -> None:
        for row in self.rig.database("maker")["runs"].find():
            late = row["at"] - self.deadlines[row["key"]]
            if late > HEARD_LATE:
                self.violations.append(f"{row['key']} ran {late:.2f} s after its deadline")

    def look_for_pending(self) -> None:
        if self.client.pending:
            self.violations.append(f"{self.client.pending} entries of calls that are over")


def run(rig: Rig, count: int) -> Findings:
    """`count` calls, shared by the ways to go wrong. A broker that others use too is not stopped."""
    rig.start_all("maker")
    experiment = Experiment(rig)
    ways: dict[str, Any] = {"absent": absent, "frozen": frozen, "killed": killed}
    if rig.servers.supervisor is not None:
        ways["broker frozen"] = broker_frozen
        ways["broker killed"] = broker_killed
    for way, go_wrong in ways.items():
        go_wrong(experiment, way, count // len(ways))
        rig.say(f"{way}: {dict(experiment.told)}, the longest took {experiment.longest:.2f} s")
    experiment.look_for_late_runs()
    experiment.look_for_pending()
    experiment.client.close()
    figures = {"calls": experiment.told.total(), "longest": round(experiment.longest, 2), **experiment.told}
    return Findings(figures, experiment.violations)


def absent(experiment: Experiment, way: str, calls: int) -> None:
    experiment.all_fail(way, calls, "chaos_nobody", TOLD_AT_ONCE)


def frozen(experiment: Experiment, way: str, calls: int) -> None:
    """What it finds in its socket when it thaws is long past its deadline."""
    maker = experiment.rig.children["maker"]
    maker.send(signal.SIGSTOP)
    try:
        experiment.all_fail(way, calls, "chaos_maker")
        time.sleep(2 * HEARD_LATE)
    finally:
        maker.send(signal.SIGCONT)
    time.sleep(SECONDS_TO_THAW)


def killed(experiment: Experiment, way: str, calls: int) -> None:
    """Killed while it works on them; they are not run again by the next process."""
    rig = experiment.rig
    maker = rig.children["maker"]
    threading.Timer(DEADLINE / 2, maker.kill).start()
    experiment.all_fail(way, calls, "chaos_maker")
    rig.wait_until(lambda: not maker.is_alive, "the maker is dead")
    rig.start_all("maker")


def broker_frozen(experiment: Experiment, way: str, calls: int) -> None:
    servers = experiment.rig.servers
    servers.send("rabbitmq", signal.SIGSTOP)
    try:
        experiment.all_fail(way, calls, "chaos_maker")
    finally:
        servers.send("rabbitmq", signal.SIGCONT)
    experiment.rig.wait_ready("maker")


def broker_killed(experiment: Experiment, way: str, calls: int) -> None:
    experiment.rig.servers.kill("rabbitmq")
    experiment.all_fail(way, calls, "chaos_maker")
    experiment.rig.wait_ready("maker")
