"""The demo's story with a smaller crowd, clients that ask again, and a server that is killed meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from unittest.mock import patch

from compose import programs, readiness
from compose.chaos.altered import unguarded
from compose.chaos.patient import Answers, PatientApi, PatientOverlay
from compose.chaos.row import Findings, Trial
from compose.chaos.sampler import LedgerSampler, ShowingsSampler
from compose.chaos.servers import Servers
from compose.demo import figures, story
from compose.demo.actors import Account, wait_for_notifications
from compose.demo.api import DemoFailed, until
from compose.demo.overlays import SHOWINGS, Overlay, behaviour_of
from compose.stack import Stack

CROWD = 12
MOST_EXAMPLES = 10
LEAST_PAYOUT_MINOR = 1_000
SECONDS_TO_RETURN = 60.0
SECONDS_TO_SETTLE, SECONDS_WITHOUT_GUARD = 240.0, 40.0
"""An event whose handler meets the dead server again and again is tried for 156 s before it is laid aside.
What is lost never comes, however long one waits."""

SECONDS_TO_END = 15.0
"""How long we wait for whoever disturbs when the story breaks off or somebody presses Ctrl-C."""

SLOWEST_ANSWER = 12.0
"""Two calls of five seconds behind one request, and what the gateway itself takes."""

ASKS: Mapping[str, str] = {
    "postgres": "/v1/wallet",
    "mongo": "/v1/campaigns",
    "redis": "/v1/notifications",
    "rabbitmq": "/v1/wallet",
}
"""What a client asks to know that the flow is back."""


class Story(story.Demo):
    """From the deposit to the completed campaign, without a browser; the books are compared at the end."""

    def __init__(self, disturb: Callable[[Story], None]) -> None:
        super().__init__()
        self.answers = Answers()
        self.api = PatientApi(os.environ["GATEWAY_URL"], self.answers)
        self.disturb = disturb
        self.over = threading.Event()

    def play(self) -> None:
        self.fund()
        self.upload()
        self.campaign = self.launch()
        self.join()
        self.crowd.append(self.nova)
        disturber = threading.Thread(target=self.disturb, args=(self,), daemon=True)
        disturber.start()
        try:
            self.stream()
            self.pay_out()
            while disturber.is_alive():
                self.stream()
        finally:
            self.over.set()
            disturber.join(SECONDS_TO_END)
        self.settle()
        self.complete()
        self.compare_participations()
        gross = sum(self.gross.values())
        fees = sum(figures.fee(amount, story.FEE_BASIS_POINTS) for amount in self.gross.values())
        self.compare_ledger(gross, fees)
        self.compare_campaign(gross, fees)
        brand = self.brand.api.get("/v1/wallet")["balances"]
        available = story.DEPOSIT_MINOR - gross
        self.expect("brand's available", available, brand["available"]["amount_minor"])
        wait_for_notifications(self.brand, "campaign_approved", "campaign_completed", "deposit_succeeded")

    def stream(self) -> None:
        self.report.step(f"{len(self.crowd)} overlays show {SHOWINGS} times each, while it is killed")
        with ThreadPoolExecutor(len(self.crowd)) as pool:
            running = [pool.submit(self.overlay(n, account).run) for n, account in enumerate(self.crowd)]
            shown = [future.result() for future in running]
        accepted = self.report.figures.get("accepted", 0) + sum(overlay.accepted for overlay in shown)
        self.report.figures["accepted"] = accepted

    def settle(self) -> None:
        """Showings reach analytics by another event than what they earn, and either may come last."""
        super().settle()
        rendered = sum(counted.rendered for counted in self.counted.values())
        until(
            "every showing in analytics", lambda: self.summary()["rendered"] >= rendered, story.SETTLE_SECONDS
        )

    def overlay(self, number: int, account: Account) -> Overlay:
        token = account.api.get("/v1/overlay-link")["token"]
        return PatientOverlay(self.api, token, behaviour_of(number))

    def released(self) -> int | None:
        """Earnings may be released in parts, and the first may be below what is paid out."""
        balances = self.nova.api.get("/v1/wallet")["balances"]
        available = int(balances["available"]["amount_minor"])
        return available if available >= LEAST_PAYOUT_MINOR else None

    def compare_campaign(self, gross: int, fees: int) -> None:
        expected = {
            "rendered": sum(c.rendered for c in self.counted.values()),
            "qualified": sum(c.qualified for c in self.counted.values()),
            "gross_minor": gross,
            "platform_fee_minor": fees,
            "net_minor": gross - fees,
        }
        found = self.summary()
        self.note(figures.differences(expected, found, "analytics of the campaign"))
        self.expect(
            "showings that overlays were told are accepted",
            self.report.figures["accepted"],
            found["rendered"],
        )
        self.report.figures |= expected


def killed_while_it_plays(program: str, stack: Stack, trial: Trial) -> Findings:
    """The story, and kill -9 of one server again and again while money and showings flow."""
    servers, random = Servers.of_stack(stack), Random(trial.seed)  # noqa: S311  A seed reproduces a run.
    recoveries: list[float] = []

    def disturb(playing: Story) -> None:
        for number in range(trial.count):
            if playing.over.wait(random.uniform(1, 3)):
                return
            recoveries.append(recovery(stack, servers, program, playing))
            trial.say(f"kill {number + 1} of {trial.count}: back after {recoveries[-1]:.1f} s")

    with (
        unguarded(stack, trial.guard_off),
        LedgerSampler(stack.database_url("payment")) as ledger,
        ShowingsSampler(stack.mongo_uri) as showings,
    ):
        playing = played(stack, disturb, SECONDS_WITHOUT_GUARD if trial.guard_off else SECONDS_TO_SETTLE)
    answers = playing.answers
    slow = [f"back {seconds:.1f} s after the kill" for seconds in recoveries if seconds > SECONDS_TO_RETURN]
    if answers.slowest > SLOWEST_ANSWER:
        slow.append(f"an answer took {answers.slowest:.1f} s")
    unclear = [
        f"{count} answers were {status}" for status, count in answers.statuses.items() if is_unclear(status)
    ]
    found = {
        "kills": len(recoveries),
        "recovery_median": round(sorted(recoveries)[len(recoveries) // 2], 1) if recoveries else None,
        "recovery_worst": round(max(recoveries, default=0), 1),
        "slowest_answer": round(answers.slowest, 1),
        "samples": [ledger.samples, showings.samples],
        "answers": dict(answers.statuses),
        **playing.report.figures,
    }
    wrong = [*sorted(ledger.violations | showings.violations)[:MOST_EXAMPLES], *unclear]
    # Without a guard only what is wrong proves anything: slow it may be with every guard on.
    return Findings(found, wrong if trial.guard_off else [*playing.differences, *wrong, *slow])


def played(stack: Stack, disturb: Callable[[Story], None], patience: float = story.SETTLE_SECONDS) -> Story:
    """What it found is in its `differences`, that it could not go on too."""
    environment = stack.operator_environment()
    (Path(environment["RUN_DIR"]) / "demo").mkdir(exist_ok=True)
    with (
        patch.dict(os.environ, environment),
        patch.multiple(story, SIMULATED=CROWD, SETTLE_SECONDS=patience),
    ):
        playing = Story(disturb)
        try:
            playing.play()
        except DemoFailed as error:
            playing.differences.append(str(error))
    return playing


def is_unclear(status: str) -> bool:
    """Neither done, nor refused, nor told to come back: a 500, or no answer at all."""
    return not status.isdigit() or status == "500"


def recovery(stack: Stack, servers: Servers, program: str, playing: Story) -> float:
    """Seconds from the kill until a client is answered again."""
    started = time.monotonic()
    servers.kill(program)
    [definition] = [found for found in programs.infrastructure(stack) if found.name == program]
    readiness.wait([definition], stack.layout, SECONDS_TO_RETURN)
    api = playing.brand.api
    assert isinstance(api, PatientApi)
    while not api.once(ASKS[program]) and time.monotonic() - started < 2 * SECONDS_TO_RETURN:
        time.sleep(0.1)
    return time.monotonic() - started
