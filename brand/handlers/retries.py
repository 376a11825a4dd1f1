"""Optimistic locking in brand's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from brand.domain.profile import ConcurrentUpdate
from chassis import races

T = TypeVar("T")


def retried(attempt: Callable[[], T]) -> T:
    """Attempt again from a fresh load when somebody else's change was stored in between."""
    return races.retried(attempt, ConcurrentUpdate)
