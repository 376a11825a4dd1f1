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

import httpx
import sqlalchemy as sa

from chassis.errors import Error
from chassis.rpc.client import RpcConnection
from chassis.saga_steps import DONE
from compose.chaos.act import SECONDS_TO_SETTLE, Act, shares, together
from compose.chaos.altered import cabled
from compose.chaos.blows import SECONDS_TO_RETURN, Blows
from compose.chaos.journal import DOUBLED, HAUNTED, LOST, Found, Journal, described, wrong
from compose.chaos.patient import Answers, PatientApi
from compose.chaos.proxy import Proxy
from compose.chaos.row import Findings, Trial
from compose.chaos.sampler import Sampler
from compose.chaos.schedule import FULL, schedule
from compose.demo import story
from compose.demo.api import DemoFailed
from compose.errors import ComposeError
from compose.operations import outbox, queues, sagas
from compose.operations.access import Access
from compose.stack import Stack

SAGAS = 200
PAYOUTS = 60
"""Of 200 sagas; the rest are an activation and a completion for each campaign."""

MOST_BRANDS, FEWEST_BRANDS = 4, 2
LARGEST_CROWD, SMALLEST_CROWD, SHOWN_BY_EACH = 10, 3, 250
SECONDS_TO_END = 15.0
LOOK_EVERY_SECONDS = 2.0
SLOWEST_ANSWER = 25.0
"""Ten seconds in a frozen process, then two calls of five."""

RPC_DEADLINE, RPC_GRACE = 2.0, 1.0
HUNG = ("ReadTimeout", "WriteTimeout", "PoolTimeout", "500")

SCALE: Mapping[str, Any] = {
    "DEPOSIT_MINOR": 2_000_000,
    "BUDGET_MINOR": 1_500_000,
    "CROWD_VIEWERS": 1_000,
    "SETTLE_SECONDS": SECONDS_TO_SETTLE,
    "PROCESSING_SECONDS": SECONDS_TO_SETTLE,
}

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
        self.answers = Answers()
        self.over = threading.Event()
        self.schedule = schedule(trial.seed, trial.count)
        self.blows = Blows(stack, proxy, self.is_answered, trial.say)
        scale = trial.count / FULL
        seconds = sum(blow.after + blow.seconds for blow in self.schedule)
        brands = max(FEWEST_BRANDS, min(MOST_BRANDS, trial.count // (SMALLEST_CROWD * SHOWN_BY_EACH)))
        campaigns = round((SAGAS - PAYOUTS) / 2 * scale)
        self.acts = [
            Act(self.answers, journal, share, self.over)
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
        self.wait_until_quiet()
        self.note(together([act.close for act in self.acts]))
        self.settled.stuck = [*self.wait_until_quiet(), *self.given_up()]
        for act in self.acts:
            self.note(act.differences)
        self.settled.journal = self.against_the_journal()
        self.compare_movements()
        self.compare_rollups()

    def wait_until_quiet(self) -> list[str]:
        """Until nothing is under way any more, or for so long that it never will be; what still is."""
        give_up = time.monotonic() + SECONDS_TO_SETTLE
        while (moving := self.moving()) and time.monotonic() < give_up:
            time.sleep(LOOK_EVERY_SECONDS)
        return moving

    def moving(self) -> list[str]:
        waiting = [queue for queue in queues.overview(self.access)["queues"] if is_moving(queue)]
        unpublished = sum(box["unpublished"] for box in outbox.overview(self.access, "")["outboxes"])
        unfinished = sagas.overview(self.access, "", "", 100)["sagas"]
        return [
            *(f"{queue['depth']} messages wait in {queue['name']}" for queue in waiting),
            *([f"{unpublished} events are not published"] if unpublished else []),
            *(f"the saga {saga['type']} {saga['key']} is {saga['status']}" for saga in unfinished),
        ]

    def given_up(self) -> list[str]:
        found = queues.overview(self.access)["queues"]
        return [
            f"{queue['dead_letters']} dead letters of {queue['name']}"
            for queue in found
            if queue["dead_letters"]
        ]

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
        moved = Counter(self.movements())
        for act in self.acts:
            for _, payout_id in act.paid:
                if moved[payout_id] != 1:
                    self.note([f"{payout_id} left the provider {moved[payout_id]} times"])

    def movements(self) -> list[str]:
        key = {"Authorization": f"Bearer {self.stack.secrets['SANDBOX_API_KEY']}"}
        url = f"{self.stack.http('SANDBOX_PORT')}/v1/balance_transactions"
        moved: list[str] = []
        last: dict[str, str] = {}
        while True:
            page = httpx.get(url, params={"limit": "100", **last}, headers=key, timeout=20).json()
            moved += [movement["reference"] for movement in page["data"]]
            if not page["has_more"]:
                return moved
            last = {"starting_after": page["data"][-1]["id"]}

    def compare_rollups(self) -> None:
        connection = RpcConnection(self.stack.amqp_uri("operator"), "operator")
        try:
            rollups = connection.call("analytics", "verify_rollups", {}, timeout=60)
        finally:
            connection.close()
        if not rollups["equal"]:
            self.note([f"{rollups['differences']} rollups do not follow from the facts"])


def is_moving(queue: queues.QueueStatus) -> bool:
    return queue["kind"] in (queues.HANDLER, queues.DELAY, queues.REQUESTS) and queue["depth"] > 0


def run_storm(stack: Stack, trial: Trial) -> Findings:
    environment = stack.operator_environment()
    (Path(environment["RUN_DIR"]) / "demo").mkdir(exist_ok=True)
    crowd = max(SMALLEST_CROWD, min(LARGEST_CROWD, trial.count // (MOST_BRANDS * SHOWN_BY_EACH)))
    journal = Journal(stack.layout.logs / "storm.journal")
    with (
        cabled(stack, trial.guard_off) as proxy,
        patch.dict(os.environ, environment),
        # Nova is one of the crowd.
        patch.multiple(story, **{**SCALE, "SIMULATED": crowd - 1}),
        Sampler(stack.database_url("payment")) as sampler,
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


def findings(storm: Storm, sampler: Sampler, counts: dict[str, dict[str, int]], seconds: float) -> Findings:
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
    return Findings(
        figures,
        [
            *described(settled.journal),
            *settled.stuck,
            *settled.differences,
            *sorted(sampler.violations),
            # Without a guard only a loss proves anything: slow it may be with every guard on.
            *([] if storm.trial.guard_off else too_slow(storm)),
        ],
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
