"""Waits until programs answer, and says which did not and what they last wrote."""

import time
from collections.abc import Callable, Sequence

from compose.errors import NotReadyInTime
from compose.layout import Layout
from compose.program import Program
from compose.supervisor import Supervisor, log_tail

SECONDS_BETWEEN_ROUNDS = 0.2
HOPELESS_STATES = ("FATAL", "UNKNOWN")


def wait(
    programs: Sequence[Program],
    layout: Layout,
    seconds: float,
    on_ready: Callable[[str], None] = lambda name: None,
) -> None:
    """Returns when all of them are ready. `on_ready` hears each name once."""
    supervisor = Supervisor(layout)
    deadline = time.monotonic() + seconds
    waiting = {program.name: program for program in programs}
    while True:
        answers = {name: answer(program) for name, program in waiting.items()}
        for name in [name for name, reason in answers.items() if not reason]:
            del waiting[name]
            on_ready(name)
        if not waiting:
            return
        states = supervisor.states()
        gave_up = [name for name in waiting if states.get(name) in HOPELESS_STATES]
        if gave_up or time.monotonic() > deadline:
            raise NotReadyInTime(explanation(gave_up or list(waiting), answers, layout, seconds))
        time.sleep(SECONDS_BETWEEN_ROUNDS)


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
