"""What a saga is made of, without how it is stored or run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

RUNNING, COMPENSATING, DONE, COMPENSATED = "running", "compensating", "done", "compensated"


@dataclass(slots=True)
class SagaState:
    """One run of a saga. `data` is JSON and grows by what the steps return.

    `status` is running, compensating, done or compensated; `step` is the index of the step that is
    next (while compensating: that is to be undone next); `error` says why it compensates.
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


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a saga and what takes it back.

    Both may run more than once and must be idempotent under (saga id, step name). `do` may return
    JSON to be merged into the saga's data. A final error (4xx) turns the saga round; anything else
    is tried again.
    """

    name: str
    do: Callable[[SagaState], dict[str, Any] | None]
    undo: Callable[[SagaState], None] | None = None
