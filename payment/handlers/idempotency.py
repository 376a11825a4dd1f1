"""Same key and same request, same answer; same key and another request, a named error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chassis.clock import Clock
from payment.domain.errors import IdempotencyKeyReused
from payment.handlers.ports import Payments

Answer = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """`scope` is the command and who gives it: two callers may choose the same key."""

    scope: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, scope: str, key: str, body: dict[str, Any]) -> Attempt:
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return cls(scope, key, hashlib.sha256(canonical.encode()).hexdigest())


def kept_answer(payments: Payments, attempt: Attempt) -> Answer | None:
    kept = payments.transaction(lambda: payments.answers.find(attempt.scope, attempt.key))
    if kept is None:
        return None
    fingerprint, answer = kept
    if fingerprint != attempt.fingerprint:
        raise IdempotencyKeyReused()
    return answer


def once(payments: Payments, clock: Clock, attempt: Attempt, work: Callable[[], Answer]) -> Answer:
    """Does the work and keeps its answer in one transaction. Work that raises leaves the key free."""

    def claimed() -> Answer:
        if not payments.answers.claim(attempt.scope, attempt.key, attempt.fingerprint, clock.now()):
            kept = kept_answer(payments, attempt)
            assert kept is not None, "a claimed key is committed together with its answer"
            return kept
        answer = work()
        payments.answers.keep(attempt.scope, attempt.key, answer)
        return answer

    return payments.transaction(claimed)
