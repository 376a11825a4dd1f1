"""Optimistic locking in identity's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chassis import races
from identity.domain.account import ConcurrentUpdate

T = TypeVar("T")


def retried(attempt: Callable[[], T], lost_race: tuple[type[Exception], ...] = (ConcurrentUpdate,)) -> T:
    """Attempt again from a fresh load when somebody else's change was stored in between."""
    return races.retried(attempt, *lost_race)
