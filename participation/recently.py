"""Answers that stay good for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recently(Generic[T]):
    """Remembers answers, each for as long as it is good. The oldest go first when there are too many.

    An adapter is made once per container, so its workers share what is remembered.
    """

    def __init__(self, capacity: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._monotonic = monotonic
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        until, answer = self._kept.get(key, (0.0, None))
        return answer if self._monotonic() < until else None

    def put(self, key: Hashable, answer: T, seconds: float) -> None:
        self._kept[key] = (self._monotonic() + seconds, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
