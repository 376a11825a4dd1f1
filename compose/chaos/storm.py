"""Everything at once: money, showings and sagas flow while processes, servers and cables are struck.

Several brands, each with a campaign that a crowd shows, campaigns that come and go, and payouts (act.py);
schedule.py says what strikes whom, and a journal what the clients were told (written.py).
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from chassis.saga_steps import DONE
from compose.chaos import provider
from compose.chaos.act import Act, shares, together
from compose.chaos.altered import cabled
from compose.chaos.blows import SECONDS_TO_RETURN, Blows
from compose.chaos.journal import DOUBLED, HAUNTED, LOST, Found, Journal, described, wrong
from compose.chaos.patient import Answers, PatientApi
from compose.chaos.proxy import Proxy
from compose.chaos.quiet import given_up, wait_until_quiet
from compose.chaos.row import Findings, Trial
from compose.chaos.sampler import LedgerSampler
from compose.chaos.schedule import FULL, schedule
from compose.demo import story
from compose.demo.api import DemoFailed
from compose.errors import ComposeError
from compose.operations import read_models, sagas
from compose.operations.access import Access
from compose.stack import Stack

SAGAS = 200
PAYOUTS = 60
"""Of 200 sagas; the rest are an activation and a completion for each campaign."""

MOST_BRANDS, FEWEST_BRANDS = 4, 2
LARGEST_CROWD, SMALLEST_CROWD, SHOWN_BY_EACH = 10, 3, 250
SECONDS_TO_END = 15.0
SECONDS_TO_SETTLE = 300.0
"""An event that keeps failing is tried again for 156 s, and only then laid aside."""

SECONDS_WITHOUT_GUARD = 60.0
"""The sweeper's work, which is what does not happen then, takes three seconds."""

SLOWEST_ANSWER = 25.0
"""Ten seconds in a frozen process, then two calls of five."""

RPC_DEADLINE, RPC_GRACE = 2.0, 1.0
HUNG = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "500")

SCALE: Mapping[str, Any] = {"DEPOSIT_MINOR": 2_000_000, "BUDGET_MINOR": 1_500_000, "CROWD_VIEWERS": 1_000}

ASKS = {
    "brand": "/v1/brands/me",
    "campaign": "/v1/campaigns",
    "payment": "/v1/wallet",
    "notification": "/v1/notifications",
    "rabbitmq": "/v1/wallet",
    "postgres": "/v1/wallet",
    "mongo": "/v1/campaigns",
    "redis": "/v1/notifications",
    "identity": "/v1/auth/sessions",
    "gateway": "/v1/brands/me",
}
ASKS_OF_STREAMERS = {
    "streamer": "/v1/streamers/me",
    "participation": "/v1/participations",
    "analytics": "/v1/analytics/streamers/me/summary",
}
"""What a client asks to know that the flow through a victim is back; an asset is asked for by its id."""

KEPT = sa.text("SELECT key, coalesce(answer->>'payout_id', answer->>'deposit_id') FROM idempotency_keys")
ORDERED = sa.text("SELECT id FROM payouts UNION ALL SELECT id FROM deposits")


@dataclass
class Settled:
    """What is left when nothing moves any more."""

    stuck: list[str] = field(default_factory=list)
    journal: Found = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def number(self, *kinds: str) -> int:
        return sum(len(keys) for (what, _), keys in self.journal.items() if what in kinds)


class Storm:
    def __init__(self, stack: Stack, trial: Trial, proxy: Proxy, journal: Journal) -> None:
        self.stack, self.trial, self.journal = stack, trial, journal
        self.access = Access.of(stack)
        self.patience = patience(trial)
        self.answers = Answers()
        self.over = threading.Event()
        self.schedule = schedule(trial.seed, trial.count)
        self.blows = Blows(stack, proxy, self.is_answered, trial.say)
        scale = trial.count / FULL
        seconds = sum(blow.after + blow.seconds for blow in self.schedule)
        brands = max(FEWEST_BRANDS, min(MOST_BRANDS, trial.count // (SMALLEST_CROWD * SHOWN_BY_EACH)))
        campaigns = round((SAGAS - PAYOUTS) / 2 * scale)
        self.acts = [
            Act(self.answers, journal, share, self.over, self.patience)
            for share in shares(trial.count, brands, campaigns, round(PAYOUTS * scale), seconds)
        ]
        self.slowest_rpc = 0.0
        self.settled = Settled()

    def play(self) -> None:
        try:
            self.note(together([act.prepare for act in self.acts]))
            if not self.settled.differences:
                self.rage()
                self.look_around()
        finally:
            self.over.set()
            self.answers.stopped.set()

    def rage(self) -> None:
        disturber = threading.Thread(target=self.strike, daemon=True)
        caller = threading.Thread(target=self.call, daemon=True)
        for thread in (disturber, caller):
            thread.start()
        self.note(together([act.flow for act in self.acts]))
        self.over.set()
        for thread in (disturber, caller):
            thread.join(SECONDS_TO_END)

    def strike(self) -> None:
        """The flows go on until the storm is over, and the storm is over when the last victim is back."""
        try:
            self.blows.strike(self.schedule, self.answers.stopped)
        except Exception as error:  # noqa: BLE001  Without it the flows would wait for ever.
            self.note([f"the storm broke off: {error!r}"])
        finally:
            self.over.set()

    def is_answered(self, victim: str) -> bool:
        act = self.acts[0]
        account = act.nova if victim in ASKS_OF_STREAMERS else act.brand
        paths = {**ASKS, **ASKS_OF_STREAMERS, "asset": f"/v1/assets/{act.image['id']}"}
        assert isinstance(account.api, PatientApi)
        return account.api.once(paths[victim])

    def call(self) -> None:
        """One RPC after the other, each with a deadline that has to hold whatever dies."""
        connection = RpcConnection(self.stack.amqp_uri("operator"), "operator")
        try:
            while not self.over.wait(0.2):
                started = time.monotonic()
                try:
                    connection.call("identity", "jwks", {}, timeout=RPC_DEADLINE)
                except Error:
                    """A clear error is an answer."""
                self.slowest_rpc = max(self.slowest_rpc, time.monotonic() - started)
        finally:
            connection.close()

    def note(self, differences: list[str]) -> None:
        self.settled.differences += differences

    # What is left

    def look_around(self) -> None:
        """Without a guard nothing comes to its end; what is stuck for good is all that there is to see."""
        if self.trial.guard_off:
            self.settled.stuck = wait_until_quiet(self.access, self.patience)
            return
        wait_until_quiet(self.access, self.patience)
        self.note(together([act.close for act in self.acts]))
        self.settled.stuck = [*wait_until_quiet(self.access, self.patience), *given_up(self.access)]
        for act in self.acts:
            self.note(act.differences)
        self.settled.journal = self.against_the_journal()
        self.compare_movements()
        self.verify_books()

    def against_the_journal(self) -> Found:
        """Showings by their ids, deposits and payouts by the idempotency keys of their commands."""
        stored: Counter[str] = Counter()
        for act in self.acts:
            stored.update(act.stored)
        engine = sa.create_engine(self.stack.database_url("payment"))
        with engine.connect() as connection:
            kept = {row[0]: row[1] for row in connection.execute(KEPT) if row[1] is not None}
            ordered = {row[0] for row in connection.execute(ORDERED)}
        engine.dispose()
        stored.update(key for key, subject in kept.items() if subject in ordered)
        ownerless = ordered - set(kept.values())
        return {
            **wrong(self.journal.outcomes, stored, {}),
            **({(DOUBLED, "deposits and payouts"): sorted(ownerless)} if ownerless else {}),
        }

    def compare_movements(self) -> None:
        """The provider's own book: each payout left once, and nothing else did."""
        moved = Counter(provider.movements(self.stack))
        for act in self.acts:
            for _, payout_id in act.paid:
                if moved[payout_id] != 1:
                    self.note([f"{payout_id} left the provider {moved[payout_id]} times"])

    def verify_books(self) -> None:
        """What is stored follows from postings, events and facts alone."""
        for one in read_models.verify(self.access, ""):
            if not one["right"]:
                self.note([f"{one['books']} do not follow from what they are made of: {one['answer']}"])


def patience(trial: Trial) -> float:
    return SECONDS_WITHOUT_GUARD if trial.guard_off else SECONDS_TO_SETTLE


def run_storm(stack: Stack, trial: Trial) -> Findings:
    environment = stack.operator_environment()
    (Path(environment["RUN_DIR"]) / "demo").mkdir(exist_ok=True)
    crowd = max(SMALLEST_CROWD, min(LARGEST_CROWD, trial.count // (MOST_BRANDS * SHOWN_BY_EACH)))
    journal = Journal(stack.layout.logs / "storm.journal")
    with (
        cabled(stack, trial.guard_off) as proxy,
        patch.dict(os.environ, environment),
        # Nova is one of the crowd.
        patch.multiple(
            story,
            **SCALE,
            SIMULATED=crowd - 1,
            SETTLE_SECONDS=patience(trial),
            PROCESSING_SECONDS=patience(trial),
        ),
        LedgerSampler(stack.database_url("payment")) as sampler,
    ):
        storm = Storm(stack, trial, proxy, journal)
        started = time.monotonic()
        try:
            storm.play()
        except (DemoFailed, ComposeError, Error) as error:
            storm.note([str(error)])
        counts = sagas.overview(storm.access, "", "", 100)["counts"]
    journal.close()
    return findings(storm, sampler, counts, time.monotonic() - started)


def findings(
    storm: Storm, sampler: LedgerSampler, counts: dict[str, dict[str, int]], seconds: float
) -> Findings:
    settled, answers, recoveries = storm.settled, storm.answers, storm.blows.recoveries
    figures = {
        "lost": settled.number(LOST),
        "doubled": settled.number(DOUBLED, HAUNTED),
        "stuck": len(settled.stuck),
        "journal": storm.journal.figures(),
        "showings": sum(sum(act.stored.values()) for act in storm.acts),
        "sagas_done": sum(found.get(DONE, 0) for found in counts.values()),
        "blows": storm.blows.struck,
        "seconds": round(seconds),
        "samples": sampler.samples,
        "recovery_median_worst": {
            victim: [round(statistics.median(found), 1), round(max(found), 1)]
            for victim, found in sorted(recoveries.items())
        },
        "slowest_answer": round(answers.slowest, 1),
        "slowest_rpc": round(storm.slowest_rpc, 1),
        "answers": dict(answers.statuses),
    }
    lost = [*described(settled.journal), *settled.stuck, *sorted(sampler.violations)]
    # Without a guard only a loss proves anything: slow it may be with every guard on.
    return Findings(
        figures, lost if storm.trial.guard_off else [*lost, *settled.differences, *too_slow(storm)]
    )


def too_slow(storm: Storm) -> list[str]:
    """An answer or a clear error within the deadline, never a hang; and everything back within a minute."""
    answers = storm.answers
    found = [
        f"{victim} was back after {max(seconds):.1f} s"
        for victim, seconds in storm.blows.recoveries.items()
        if max(seconds) > SECONDS_TO_RETURN
    ]
    if answers.slowest > SLOWEST_ANSWER:
        found.append(f"an answer took {answers.slowest:.1f} s")
    if storm.slowest_rpc > RPC_DEADLINE + RPC_GRACE:
        found.append(f"an RPC took {storm.slowest_rpc:.1f} s")
    return found + [
        f"{answers.statuses[status]} answers were {status}: {answers.first[status]}"
        for status in HUNG
        if answers.statuses[status]
    ]
