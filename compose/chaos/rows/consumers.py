"""Many events, three consumers and the relay, and kill -9 of one of them again and again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from compose.chaos.rig import Rig
from compose.chaos.row import Findings

CONSUMERS = ("taker-1", "taker-2", "taker-3")
RELAY = "maker"
KEYS_PER_CALL = 20
CLIENTS = 4
EVENTS_PER_KILL = 200
"""10,000 events and 50 kills."""

SECONDS_FOR_PROGRESS = 60.0
REFUSED_EVERY = 10


def run(rig: Rig, count: int) -> Findings:
    rig.start_all(*CONSUMERS, RELAY)
    kills = 0
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        calls = [clients.submit(make, rig, number) for number in range(count // KEYS_PER_CALL)]
        for milestone in range(EVENTS_PER_KILL // 2, count, EVENTS_PER_KILL):
            wait_for_progress(rig, milestone)
            kill_one(rig)
            kills += 1
            rig.say(f"{kills} kills, {milestone} of {count} events")
        for call in calls:
            call.result()
    violations = rig.violations()
    seconds = time.monotonic() - started
    noted = rig.noted()["single"].total()
    return Findings(
        {
            "events": count,
            "kills": kills,
            "handled": noted,
            "seconds": round(seconds, 1),
            **rig.journal.figures(),
        },
        violations,
    )


def make(rig: Rig, number: int) -> None:
    """A call whose answer was lost is not repeated: what became of it is for the journal to say."""
    keys = [f"{number}-{index}" for index in range(KEYS_PER_CALL)]
    rig.make(keys, refused=number % REFUSED_EVERY == REFUSED_EVERY - 1)


def wait_for_progress(rig: Rig, milestone: int) -> None:
    """Until so many were handled; refused and lost calls make fewer, so standing still is enough too."""
    last, changed = -1, time.monotonic()
    while time.monotonic() - changed < SECONDS_FOR_PROGRESS / 20:
        handled = int(rig.database("taker")["notes"].count_documents({"how": "single"}))
        if handled >= milestone:
            return
        if handled != last:
            last, changed = handled, time.monotonic()
        time.sleep(0.05)


def kill_one(rig: Rig) -> None:
    """Somebody at random dies, and is started again as a supervisor would."""
    victim = rig.random.choice((*CONSUMERS, RELAY))
    rig.children[victim].kill()
    rig.start(victim)
