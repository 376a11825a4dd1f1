"""The same load for both sides: calls from greenlets inside a Nameko process."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import eventlet


def run(call: Callable[[], Any], calls: int, at_once: int) -> dict[str, float]:
    """Make `calls` calls, `at_once` of them in flight; seconds for all, and the median of one."""
    took: list[float] = []
    left = iter(range(calls))

    def one_after_another() -> None:
        for _ in left:
            started = time.perf_counter()
            call()
            took.append(time.perf_counter() - started)

    began = time.perf_counter()
    greenlets = [eventlet.spawn(one_after_another) for _ in range(at_once)]
    for greenlet in greenlets:
        greenlet.wait()
    return {"seconds": time.perf_counter() - began, "median_seconds": statistics.median(took)}
