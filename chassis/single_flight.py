"""One call for all who ask for the same at once.

The usual single flight lets whoever comes later join a call that is under way, and hands out answers that
are older than the question. Here nobody boards a flight that has departed, so that who has written reads
what he wrote: a flight departs in the next turn of the loop, or, while one for the same is under way, when
that one has landed. Who comes alone waits for nobody.

It is for greenlets of one loop, of eventlet and of gevent alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from chassis.amqp import Waiter

I = TypeVar("I")  # noqa: E741
T = TypeVar("T")

PATIENCE_SECONDS = 0.1
"""How long a flight waits for the one before it: many times what a call takes, also on a busy machine, and a
small part of its deadline. Behind a call that hangs, one more is under way every tenth of a second, and not
one for each who asks."""

BOARDING_SECONDS = 0.001
"""How much longer it waits for passengers. When a flight lands, those who came with it are busy with their
answers, and the loop reads what has arrived meanwhile only after them."""


class SingleFlight(Generic[I, T]):
    def __init__(self) -> None:
        self._boarding: dict[Hashable, Flight[I, T]] = {}
        self._under_way: dict[Hashable, Flight[I, T]] = {}

    def share(self, key: Hashable, item: I, call: Callable[[list[I]], T]) -> T:
        """What `call` returns or raises, given the items of all who share it.

        The first one to come makes the call, in its own context. All are given the same object.
        """
        boarding = self._boarding.get(key)
        if boarding is not None:
            return boarding.board(item, call)
        flight = Flight[I, T](item)
        try:
            self._wait_to_depart(key, flight)
            flight.fly(call)
        finally:
            if self._under_way.get(key) is flight:
                self._under_way.pop(key, None)
            flight.let_out()
        return flight.outcome()

    def _wait_to_depart(self, key: Hashable, flight: Flight[I, T]) -> None:
        self._boarding[key] = flight
        before = self._under_way.get(key)
        try:
            if before is None:
                time.sleep(0)
            else:
                before.wait_for_landing(PATIENCE_SECONDS)
                time.sleep(BOARDING_SECONDS)
        finally:
            self._boarding.pop(key, None)
        self._under_way[key] = flight


class Flight(Generic[I, T]):
    def __init__(self, item: I) -> None:
        self._items = [item]
        self._waiting: list[Waiter] = []
        self._landed: list[T] = []
        self._error: Exception | None = None

    def board(self, item: I, call: Callable[[list[I]], T]) -> T:
        self._items.append(item)
        self.wait_for_landing(None)
        if not self._landed and self._error is None:
            # Its pilot was killed, which says nothing about the call.
            return call([item])
        return self.outcome()

    def wait_for_landing(self, seconds: float | None) -> None:
        waiter = Waiter()
        self._waiting.append(waiter)
        waiter.wait(seconds)

    def fly(self, call: Callable[[list[I]], T]) -> None:
        try:
            self._landed.append(call(self._items))
        except Exception as error:  # noqa: BLE001  It is raised to each who asked.
            self._error = error

    def let_out(self) -> None:
        for waiter in self._waiting:
            waiter.set(None)

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._landed[0]
