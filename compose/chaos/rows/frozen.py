"""One of two consumers is frozen under load: the other goes on, and only what the frozen one holds waits."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Set

from compose.chaos import traffic
from compose.chaos.journal import OK
from compose.chaos.rig import Rig
from compose.chaos.row import Findings
from compose.chaos.taker import BATCH_SIZE, PREFETCH

CONSUMERS = ("taker-1", "taker-2")
WINDOWS = {"single": PREFETCH, "batch": 2 * BATCH_SIZE}
"""So many messages of each queue the broker hands to one consumer before it acknowledges any."""

SECONDS_FROZEN, SECONDS_IN_SHORT = 10.0, 4.0
SECONDS_TO_CATCH_UP = 5.0
LONGEST_PAUSE = 5.0
SECONDS_OF_CALM = (1.0, 2.0)


def run(rig: Rig, count: int) -> Findings:
    """Somebody is frozen `count` times."""
    return freeze(rig, count, SECONDS_FROZEN)


def run_short(rig: Rig, count: int) -> Findings:
    return freeze(rig, count, SECONDS_IN_SHORT)


def freeze(rig: Rig, count: int, seconds: float) -> Findings:
    rig.start_all(*CONSUMERS, "maker")
    held: Counter[str] = Counter()
    pauses: list[float] = []
    with traffic.flowing(rig):
        for number in range(count):
            time.sleep(rig.random.uniform(*SECONDS_OF_CALM))
            consumer = rig.children[rig.random.choice(CONSUMERS)]
            consumer.send(signal.SIGSTOP)
            try:
                pauses.append(longest_pause(rig, seconds))
                held |= still_waiting(rig)
            finally:
                consumer.send(signal.SIGCONT)
            rig.say(f"{number + 1} of {count}: {consumer.name} held {dict(held)} at the most")
    violations = [*judged(held, pauses), *rig.violations()]
    figures = {
        "freezes": count,
        **{f"held_{how}": held[how] for how in WINDOWS},
        "longest_pause": round(max(pauses), 1),
        **rig.journal.figures(),
    }
    return Findings(figures, violations)


def judged(held: Counter[str], pauses: list[float]) -> list[str]:
    found = [
        f"{held[how]} events waited for a frozen consumer ({how}), its window is {window}"
        for how, window in WINDOWS.items()
        if held[how] > window
    ]
    return found + [f"nothing was handled for {pause:.1f} s" for pause in pauses if pause > LONGEST_PAUSE]


def longest_pause(rig: Rig, seconds: float) -> float:
    """Seconds without anything handled, at the most, as long as a consumer is to be frozen."""
    notes = rig.database("taker")["notes"]
    began = changed = time.monotonic()
    longest, last = 0.0, -1
    while (now := time.monotonic()) - began < seconds:
        handled = notes.count_documents({})
        if handled != last:
            last, changed = handled, now
        longest = max(longest, now - changed)
        time.sleep(0.1)
    return longest


def still_waiting(rig: Rig) -> Counter[str]:
    """How many of the events made until now are not handled, after the other one had time to catch up."""
    made = {key for key, outcome in dict(rig.journal.outcomes).items() if outcome == OK}
    deadline = time.monotonic() + SECONDS_TO_CATCH_UP
    while not within(waiting := not_noted(rig, made)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return waiting


def within(waiting: Counter[str]) -> bool:
    return all(waiting[how] <= window for how, window in WINDOWS.items())


def not_noted(rig: Rig, made: Set[str]) -> Counter[str]:
    return Counter({how: len(made - set(notes)) for how, notes in rig.noted().items()})
