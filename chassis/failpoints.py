"""Places at which a test may let this process die, as if somebody had pulled its plug.

FAILPOINT=commit.after kills the process when it gets there for the first time, FAILPOINT=commit.after:3
for the third time. Without the variable nothing happens and nothing is counted.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

VARIABLE = "FAILPOINT"

NAMES = frozenset(
    f"{action}.{when}"
    for action in ("write", "commit", "publish", "confirm", "mark", "acknowledge", "reply")
    for when in ("before", "after")
)
"""write: what a transaction does; mark: that an event is published; acknowledge: an event handled."""

SAGA = "saga."
"""Begins the points of a saga: saga.<type>.<step>.<do|undo>.<before|after|saved>."""


class UnknownFailpoint(Exception):
    """A misspelt point would never be reached, and the test behind it would prove nothing."""


def armed(text: str, die: Callable[[], None]) -> Callable[[str], None]:
    """What `reach` does when FAILPOINT is `text`."""
    wanted, _, ordinal = text.partition(":")
    if wanted not in NAMES and not wanted.startswith(SAGA):
        raise UnknownFailpoint(f"there is no failpoint {wanted}; there are {', '.join(sorted(NAMES))}")
    left = int(ordinal or 1)

    def reach(name: str) -> None:
        nonlocal left
        if name != wanted:
            return
        left -= 1
        if left == 0:
            die()

    return reach


def kill_this_process() -> None:
    """By a signal that nothing can catch: no handler runs, no buffer is flushed, no lock is released."""
    os.kill(os.getpid(), signal.SIGKILL)


def _pass(name: str) -> None:
    """Nobody asked for a crash."""


reach: Callable[[str], None] = (
    armed(os.environ[VARIABLE], kill_this_process) if os.environ.get(VARIABLE) else _pass
)
