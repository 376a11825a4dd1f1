"""Group commit: what arrives while a transaction is under way goes into the next one together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from chassis.errors import Error, ServiceUnavailable
from chassis.event import ReceivedEvent

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[list[T]], Sequence[R | Error]]
"""Does a group of items, and says what became of each."""


class Gathering(Generic[T, R]):
    """Does items in groups, without ever waiting for a group to fill: who comes alone is served at once.

    Two items with the same key are never in one group. A group that fails is done again one by one, so
    that nobody answers for a neighbour.
    """

    def __init__(self, key: Callable[[T], object], largest: int) -> None:
        self._key = key
        self._largest = largest
        self._waiting: list[_Entry[T, R]] = []
        self.turn = threading.Lock()

    def submit(self, item: T, work: Work[T, R]) -> R:
        """The outcome of this item; an Error that is its outcome is raised."""
        entry = _Entry[T, R](item)
        self._waiting.append(entry)
        while not entry.outcomes:
            with self.turn:
                if not entry.outcomes:
                    _do(self._next_group(), work)
        [outcome] = entry.outcomes
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _next_group(self) -> list[_Entry[T, R]]:
        group: dict[object, _Entry[T, R]] = {}
        for entry in self._waiting:
            if len(group) < self._largest:
                group.setdefault(self._key(entry.item), entry)
        chosen = list(group.values())
        self._waiting = [entry for entry in self._waiting if entry not in chosen]
        return chosen


class _Entry(Generic[T, R]):
    """An item, and its one outcome once there is one."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.outcomes: list[R | BaseException] = []


def _do(group: list[_Entry[T, R]], work: Work[T, R]) -> None:
    try:
        outcomes = work([entry.item for entry in group])
        for entry, outcome in zip(group, outcomes, strict=True):
            entry.outcomes.append(outcome)
    except Exception as error:  # noqa: BLE001  It is raised again where the item came from.
        if len(group) == 1:
            group[0].outcomes.append(error)
            return
        for entry in group:
            _do([entry], work)
    finally:
        # A worker that is killed leaves nobody waiting for it.
        for entry in group:
            if not entry.outcomes:
                entry.outcomes.append(ServiceUnavailable("it was given up half way, the outcome is unknown"))


class Inbox(Protocol):
    def once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], Any]
    ) -> None: ...


class InTurn:
    """An inbox whose transactions take turns with the groups: both write participations.

    Without it they would meet in the database, where the loser does all of its work again.
    """

    def __init__(self, inbox: Inbox, turn: threading.Lock) -> None:
        self._inbox = inbox
        self._turn = turn

    def once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], Any]
    ) -> None:
        with self._turn:
            self._inbox.once(consumer, events, work)
