"""What a saga is made of, without how it is stored or run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

RUNNING, COMPENSATING, DONE, COMPENSATED = "running", "compensating", "done", "compensated"
STUCK = "stuck"

HOUR = 3_600.0


@dataclass(slots=True)
class SagaState:
    """One run of a saga. `data` is JSON and grows by what the steps return.

    `status` is running, compensating, done, compensated, or stuck: then it is tried again only when an
    operator says so. `step` is the index of the step that is next (while compensating: that is to be
    undone next); `error` says why it compensates.
    """

    id: str
    type: str
    key: str
    data: dict[str, Any]
    status: str = RUNNING
    step: int = 0
    attempts: int = 0
    error: dict[str, Any] | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    created_at: datetime | None = field(default=None, compare=False)
    next_at: datetime | None = field(default=None, compare=False)
    """As they were when the saga was read; a store sets them, and nothing is decided by them."""

    @property
    def is_finished(self) -> bool:
        return self.status in (DONE, COMPENSATED)

    def go_on(self) -> None:
        """What was stuck is tried with new patience, in the direction that it had."""
        if self.status == STUCK:
            self.status = COMPENSATING if self.error else RUNNING
            self.attempts = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a saga and what takes it back.

    Both may run more than once and must be idempotent under (saga id, step name). `do` may return
    JSON to be merged into the saga's data. A final error (4xx) turns the saga round; anything else
    is tried again for about `patience_seconds`. Then the saga is stuck: whether the step has been done
    nobody knows, so that to take it back may be as wrong as to go on.
    """

    name: str
    do: Callable[[SagaState], dict[str, Any] | None]
    undo: Callable[[SagaState], None] | None = None
    patience_seconds: float = HOUR
