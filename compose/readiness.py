"""Waits until programs answer, and says which did not and what they last wrote."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from compose.errors import NotReadyInTime
from compose.layout import Layout
from compose.program import Program
from compose.supervisor import Supervisor, log_tail

SECONDS_BETWEEN_ROUNDS = 0.2
HOPELESS_STATES = ("FATAL", "UNKNOWN")
# supervisord starts a program again for ever when it lives for a second each time. Once more may help, when
# what it needs was late; a program that has died so often dies of something that waiting does not change.
HOPELESS_STARTS = 4


def wait(
    programs: Sequence[Program],
    layout: Layout,
    seconds: float,
    on_ready: Callable[[str], None] = lambda name: None,
) -> None:
    """Returns when all of them are ready. `on_ready` hears each name once."""
    supervisor = Supervisor(layout)
    started = time.monotonic()
    waiting = {program.name: program for program in programs}
    starts: dict[str, set[int]] = {name: set() for name in waiting}
    while True:
        answers = {name: answer(program) for name, program in waiting.items()}
        for name in [name for name, reason in answers.items() if not reason]:
            del waiting[name]
            on_ready(name)
        if not waiting:
            return
        hopeless = given_up(supervisor.details(), waiting, starts)
        elapsed = time.monotonic() - started
        if hopeless or elapsed > seconds:
            raise NotReadyInTime(explanation(hopeless or list(waiting), answers, layout, elapsed))
        time.sleep(SECONDS_BETWEEN_ROUNDS)


def given_up(
    details: Mapping[str, Mapping[str, Any]], waiting: Iterable[str], starts: Mapping[str, set[int]]
) -> list[str]:
    """Those that supervisord has given up, or should: `starts` remembers every process seen of each name."""
    for name in set(waiting) & set(details):
        if details[name]["pid"]:
            starts[name].add(details[name]["pid"])
    return [
        name
        for name in waiting
        if details.get(name, {}).get("statename") in HOPELESS_STATES or len(starts[name]) >= HOPELESS_STARTS
    ]


def answer(program: Program) -> str:
    """Empty when it is ready, else the reason why it is not. Any exception means not yet."""
    try:
        program.ready()
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return ""


def explanation(names: Sequence[str], answers: dict[str, str], layout: Layout, seconds: float) -> str:
    parts = [f"Not ready after {seconds:.0f} s: {', '.join(names)}."]
    for name in names:
        parts.append(f"--- {name}: {answers.get(name, '')}")
        parts.append(f"--- the end of {layout.logs / name}.log:")
        parts.append(log_tail(layout, name))
    return "\n".join(parts)
