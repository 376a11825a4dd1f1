"""What travels with a call: token, request id, trace, deadline, and who acts.

It is kept in a context variable, which every greenlet and thread has for itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class CallContext:
    """`deadline` is in epoch seconds; None means that the caller set none.

    `actor` is the verified end user, or who acts for them, and `session` the one that they act in.
    """

    auth_token: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    deadline: float | None = None
    call_id_stack: tuple[str, ...] = ()
    caller: str | None = None
    actor: str | None = None
    session: str | None = None

    def remaining(self, default: float) -> float:
        """Seconds that a nested call may take: the default, or what is left if that is less."""
        if self.deadline is None:
            return default
        return min(default, self.deadline - time.time())


EMPTY = CallContext()

_current: ContextVar[CallContext] = ContextVar("call_context", default=EMPTY)


def current() -> CallContext:
    return _current.get()


def enter(context: CallContext) -> None:
    """Set the context of this greenlet or thread, until it ends or another one is entered."""
    _current.set(context)


@contextmanager
def of_many() -> Iterator[None]:
    """For work that is done for several callers at once: it belongs to the request of none of them."""
    before = current()
    enter(replace(before, auth_token=None, request_id=None, traceparent=None, actor=None, session=None))
    try:
        yield
    finally:
        enter(before)


def from_headers(data: dict[str, Any], parent_calls: Any = ()) -> CallContext:
    """The context in a message's headers, their `nameko.` prefix already stripped.

    Anybody may have written them, so what is not of its type is left out.
    """
    deadline = data.get("deadline_ms")
    return CallContext(
        auth_token=_text(data.get("auth_token")),
        request_id=_text(data.get("request_id")),
        traceparent=_text(data.get("traceparent")),
        deadline=deadline / 1000 if isinstance(deadline, int) else None,
        call_id_stack=tuple(parent_calls) if isinstance(parent_calls, list) else (),
        caller=_text(data.get("validated_user_id")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
