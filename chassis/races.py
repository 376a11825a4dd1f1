"""Optimistic locking: a lost race is run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ATTEMPTS = 5
"""Each lost race means that another caller's change was stored, so a few are enough."""


def retried(attempt: Callable[[], T], *lost_race: type[Exception]) -> T:
    """Attempt again, from a fresh load, when one of these errors says that somebody else was faster."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except lost_race:
            continue
    return attempt()
