"""Helpers for the suites of the services."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], deadline: float = 5.0, every: float = 0.02) -> T:
    """Call `check` until it returns something true, and return that.

    An exception counts as "not yet". AssertionError after `deadline` seconds, telling what was seen last.
    """
    until = time.monotonic() + deadline
    while True:
        try:
            seen: object = check()
        except Exception as error:  # noqa: BLE001  Whatever it is, it may pass.
            seen = error
        if seen and not isinstance(seen, Exception):
            return seen  # type: ignore[return-value]
        if time.monotonic() > until:
            failure = AssertionError(f"not within {deadline} s; the last thing seen was {seen!r}")
            raise failure from (seen if isinstance(seen, Exception) else None)
        time.sleep(every)
