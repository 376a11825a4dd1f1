"""A service dies at one point after the other, each time with somebody's flow in its hands.

One flow per point: the process that carries the point dies with that flow, and the next process, which
carries the next point, has to bring it to its end beside its own.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from unittest.mock import patch

from chassis import failpoints
from compose.chaos.own_process import OwnProcess
from compose.chaos.patient import Answers, PatientApi
from compose.chaos.quiet import given_up, wait_until_quiet
from compose.chaos.row import Findings, Trial
from compose.demo import story
from compose.demo.api import DemoFailed, until
from compose.errors import ComposeError
from compose.operations.access import Access
from compose.stack import Stack

WHENS = ("before", "after", "saved")
SECONDS_PER_POINT = 60.0
SECONDS_TO_FINISH = 60.0
"""The promise: done or compensated within a minute."""

Flow = Callable[[], object]


def saga_points(type: str, *steps: str) -> list[str]:
    """Before a step, after it, and when that it was done has been saved: `begin.do`, `begin.undo`."""
    return [f"{failpoints.SAGA}{type}.{step}.{when}" for step in steps for when in WHENS]


class Crashing(story.Demo):
    """`service` dies. What it was in the middle of is for `prepare`, `crash_all` and `compare` to say."""

    service: str

    def __init__(self, stack: Stack, trial: Trial) -> None:
        super().__init__()
        self.api = PatientApi(os.environ["GATEWAY_URL"], Answers())
        self.stack, self.guard_off, self.say = stack, trial.guard_off, trial.say
        self.crashes = 0

    def play(self) -> None:
        self.prepare()
        with OwnProcess(self.stack, self.service, self.guard_off) as self.process:
            self.crash_all()
            self.compare()
            if not self.guard_off:
                self.differences += wait_until_quiet(Access.of(self.stack), SECONDS_TO_FINISH)
        self.differences += given_up(Access.of(self.stack))
        self.compare_books()

    def prepare(self) -> None: ...

    def crash_all(self) -> None: ...

    def compare(self) -> None: ...

    def crash(self, points: Sequence[str], flows: Sequence[Flow]) -> None:
        clients = []
        for point, flow in zip(points, flows, strict=True):
            child = self.process.restart(point)
            clients.append(threading.Thread(target=self.attempt, args=(flow,), daemon=True))
            clients[-1].start()
            try:
                child.wait(SECONDS_PER_POINT)
                self.crashes += 1
                self.say(f"died at {point}")
            except subprocess.TimeoutExpired:
                self.differences.append(f"{point} was never reached")
        self.process.restart()
        for client in clients:
            client.join()

    def attempt(self, flow: Flow) -> None:
        try:
            flow()
        except DemoFailed as error:
            # Asked again after its first answer was lost, it may have been done, or refused, already.
            self.say(str(error)[:120])

    def soon(self, what: str, check: Callable[[], bool]) -> None:
        until(what, check, SECONDS_TO_FINISH)

    def wallet_holds(self, available: int, escrow: int) -> None:
        def found() -> bool:
            balances = self.brand.api.get("/v1/wallet")["balances"]
            held = (balances["available"]["amount_minor"], balances["escrow"]["amount_minor"])
            return held == (available, escrow)

        self.soon(f"{available} available and {escrow} in escrow", found)

    def compare_books(self) -> None:
        verified = self.admin.api.get("/v1/admin/ledger/verify")
        self.expect("the ledger is balanced", True, verified["balanced"])
        self.expect("accounts below zero", [], verified["negative_accounts"])


def crashed(kind: type[Crashing], stack: Stack, trial: Trial) -> Findings:
    with patch.dict(os.environ, stack.operator_environment()):
        crashing = kind(stack, trial)
        started = time.monotonic()
        try:
            crashing.play()
        except (DemoFailed, ComposeError) as error:
            crashing.differences.append(str(error))
    seconds = round(time.monotonic() - started, 1)
    return Findings({"crashes": crashing.crashes, "seconds": seconds}, crashing.differences)
