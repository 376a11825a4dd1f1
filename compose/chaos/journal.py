"""What the clients were told, written down before and after each call, and compared with what happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from chassis.errors import Error

OK, FAILED, UNKNOWN, BEGUN = "ok", "failed", "unknown", "begun"
EXAMPLES = 3

LOST = "lost"
DOUBLED = "doubled"
HAUNTED = "there although it was refused"
TORN = "told of but not stored, or stored but not told of"


class Journal:
    """A line before each call and one after it, so that a client that dies has said what it tried."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._file = path.open("w", buffering=1)
        self.outcomes: dict[str, str] = {}

    def close(self) -> None:
        self._file.close()

    def call(self, keys: Sequence[str], work: Callable[[], Any]) -> str:
        """Make one call for these keys. A final error says that nothing happened; any other says nothing."""
        self.note(keys, BEGUN)
        outcome, detail = OK, ""
        try:
            work()
        except Error as error:
            outcome, detail = FAILED if error.is_final else UNKNOWN, error.code
        self.note(keys, outcome, detail)
        return outcome

    def figures(self) -> dict[str, int]:
        counted = Counter(self.outcomes.values())
        return {outcome: counted[outcome] for outcome in (OK, FAILED, UNKNOWN)}

    def note(self, keys: Sequence[str], outcome: str, detail: str = "") -> None:
        with self._lock:
            self.outcomes.update(dict.fromkeys(keys, outcome))
            self._file.write(json.dumps({"keys": keys, "outcome": outcome, "detail": detail}) + "\n")


Found = dict[tuple[str, str], list[str]]
"""Keys by what is wrong with them and where."""


def compare(outcomes: Mapping[str, str], stored: Counter[str], told: Mapping[str, Counter[str]]) -> list[str]:
    return described(wrong(outcomes, stored, told))


def wrong(outcomes: Mapping[str, str], stored: Counter[str], told: Mapping[str, Counter[str]]) -> Found:
    """Every ok exactly once, every failed never, every unknown at most once: in the store, in each consumer.

    `stored` counts the effects by key where they were made, `told` where the events of them arrived.
    A call of which no end was written is unknown.
    """
    found: Found = {}

    def note(what: str, where: str, key: str) -> None:
        found.setdefault((what, where), []).append(key)

    for key, outcome in outcomes.items():
        for where, effects in {"stored": stored, **told}.items():
            count = effects[key]
            if count > 1:
                note(DOUBLED, where, key)
            if outcome == FAILED and count:
                note(HAUNTED, where, key)
            if outcome == OK and not count:
                note(LOST, where, key)
            if outcome in (UNKNOWN, BEGUN) and bool(count) != bool(stored[key]):
                note(TORN, where, key)
    return found


def described(found: Found) -> list[str]:
    return [
        f"{len(keys)} {what} ({where}): {', '.join(sorted(keys)[:EXAMPLES])}"
        for (what, where), keys in sorted(found.items())
    ]
