"""The campaign service dies at every step of its sagas; each is finished or taken back, and no money leaks.

One campaign per point: the process that carries the point dies with that campaign's saga in its hands,
and the next process, which carries the next point, has to bring it to its end beside its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from chassis import failpoints
from compose import environment, programs, readiness
from compose.chaos import guards
from compose.chaos.patient import Answers, PatientApi
from compose.chaos.row import Findings, Trial
from compose.demo import story
from compose.demo.actors import usd
from compose.demo.api import DemoFailed, until
from compose.layout import REPOSITORY
from compose.stack import Stack
from compose.supervisor import INHERITED, MARK, Supervisor

SERVICE = "campaign"
WHENS = ("before", "after", "saved")
ACTIVATION = [f"campaign_activation.{step}.do" for step in ("begin", "reserve_budget", "activate")]
REFUSED_ACTIVATION = ["campaign_activation.begin.undo"]
COMPLETION = [
    f"campaign_completion.{step}.do" for step in ("settle_participations", "return_unspent", "note_returned")
]
BUDGET_MINOR = 1_000
SECONDS_PER_POINT = 30.0
SECONDS_TO_FINISH = 60.0
"""The promise: done or compensated within a minute."""


def points(steps: Sequence[str]) -> list[str]:
    return [f"{failpoints.SAGA}{step}.{when}" for step in steps for when in WHENS]


class Crashing(story.Demo):
    """Campaigns without streamers: what was reserved for them returns to the brand as a whole."""

    def __init__(self, stack: Stack, guard_off: str, say: Callable[[str], None]) -> None:
        super().__init__()
        self.api = PatientApi(os.environ["GATEWAY_URL"], Answers())
        self.stack, self.guard_off, self.say = stack, guard_off, say
        self.crashes = 0

    def play(self) -> None:
        activation = points(ACTIVATION[:1] if self.guard_off else ACTIVATION)
        refused = [] if self.guard_off else points(REFUSED_ACTIVATION)
        completion = [] if self.guard_off else points(COMPLETION)
        self.fund()
        self.upload()
        campaigns = [self.approved(BUDGET_MINOR) for _ in activation]
        too_large = [self.approved(story.DEPOSIT_MINOR + 1) for _ in refused]
        with self.own_processes():
            self.crash(activation, [self.doing("activate", c) for c in campaigns])
            self.crash(refused, [self.doing("activate", c) for c in too_large])
            self.all_become("active", campaigns)
            self.all_become("approved", too_large)
            self.wallet_holds(
                story.DEPOSIT_MINOR - BUDGET_MINOR * len(campaigns), BUDGET_MINOR * len(campaigns)
            )
            if completion:
                self.crash(completion, [self.doing("complete", c) for c in campaigns])
                self.all_become("completed", campaigns)
                self.wallet_holds(story.DEPOSIT_MINOR, 0)
        verified = self.admin.api.get("/v1/admin/ledger/verify")
        self.expect("the ledger is balanced", True, verified["balanced"])
        self.expect("accounts below zero", [], verified["negative_accounts"])

    def approved(self, budget_minor: int) -> str:
        brief = self.brief() | {"budget": usd(budget_minor)}
        campaign_id = str(self.brand.api.post("/v1/campaigns", brief)["id"])
        self.brand.api.post(f"/v1/campaigns/{campaign_id}/submit")
        self.admin.api.post(f"/v1/admin/campaigns/{campaign_id}/approve")
        return campaign_id

    def doing(self, command: str, campaign_id: str) -> Callable[[], None]:
        def work() -> None:
            try:
                self.brand.api.post(f"/v1/campaigns/{campaign_id}/{command}")
            except DemoFailed as error:
                # Asked again after its first answer was lost, it may have been done, or refused, already.
                self.say(f"{command}: {str(error)[:90]}")

        return work

    def crash(self, where: Sequence[str], flows: Sequence[Callable[[], None]]) -> None:
        clients = []
        for point, flow in zip(where, flows, strict=True):
            child = self.restart(point)
            clients.append(threading.Thread(target=flow))
            clients[-1].start()
            try:
                child.wait(SECONDS_PER_POINT)
                self.crashes += 1
                self.say(f"died at {point}")
            except subprocess.TimeoutExpired:
                self.differences.append(f"{point} was never reached")
        self.restart("")
        for client in clients:
            client.join()

    def all_become(self, status: str, campaigns: Sequence[str]) -> None:
        for campaign_id in campaigns:
            path = f"/v1/campaigns/{campaign_id}"
            until(f"{campaign_id} is {status}", self.asking(path, status), SECONDS_TO_FINISH)

    def asking(self, path: str, status: str) -> Callable[[], bool]:
        return lambda: bool(self.brand.api.get(path)["status"] == status)

    def wallet_holds(self, available: int, escrow: int) -> None:
        def found() -> bool:
            balances = self.brand.api.get("/v1/wallet")["balances"]
            held = (balances["available"]["amount_minor"], balances["escrow"]["amount_minor"])
            return held == (available, escrow)

        until(f"{available} available and {escrow} in escrow", found, SECONDS_TO_FINISH)

    # The processes of the service under test: ours instead of the supervisor's.

    @contextmanager
    def own_processes(self) -> Iterator[None]:
        supervisor = Supervisor(self.stack.layout)
        supervisor.stop({SERVICE})
        self.child: subprocess.Popen[bytes] | None = None
        try:
            yield
        finally:
            self.end_child()
            supervisor.start([SERVICE])

    def restart(self, point: str) -> subprocess.Popen[bytes]:
        self.end_child()
        program = programs.service(SERVICE, self.stack)
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        own = {
            guards.VARIABLE: self.guard_off,
            failpoints.VARIABLE: point,
            MARK: str(self.stack.layout.run_dir),
        }
        with (self.stack.layout.logs / f"{SERVICE}-chaos.log").open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "compose.chaos.guarded", SERVICE],
                cwd=REPOSITORY,
                env={**inherited, **environment.of_process(SERVICE, self.stack), **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        started = time.monotonic()
        while readiness.answer(program) and self.child.poll() is None:
            if time.monotonic() - started > SECONDS_PER_POINT:
                raise DemoFailed(f"{SERVICE} was not ready in {SECONDS_PER_POINT:.0f} s")
            time.sleep(0.1)
        return self.child

    def end_child(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child.wait()


def killed_at_every_step(stack: Stack, trial: Trial) -> Findings:
    with patch.dict(os.environ, stack.operator_environment()):
        crashing = Crashing(stack, trial.guard_off, trial.say)
        started = time.monotonic()
        try:
            crashing.play()
        except DemoFailed as error:
            crashing.differences.append(str(error))
    seconds = round(time.monotonic() - started, 1)
    return Findings({"crashes": crashing.crashes, "seconds": seconds}, crashing.differences)
