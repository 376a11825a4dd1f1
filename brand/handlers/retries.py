"""Optimistic locking: a lost race is run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from brand.domain.profile import ConcurrentUpdate

T = TypeVar("T")

# Each lost race means that another caller's change was stored, so a few attempts are enough.
ATTEMPTS = 4


def retried(attempt: Callable[[], T]) -> T:
    """Attempt again from a fresh load when somebody else's change was stored in between."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except ConcurrentUpdate:
            continue
    return attempt()
