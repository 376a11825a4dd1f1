"""`sagas`: the flows over several services, and an end to their waiting."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any, TypedDict

from chassis.errors import NotFound
from chassis.saga import SagaState
from chassis.saga import Store as SagaStore
from chassis.saga_steps import COMPENSATED, COMPENSATING, DONE, RUNNING, STUCK
from chassis.times import rfc3339
from compose import table
from compose.errors import ComposeError
from compose.operations import ages, stores
from compose.operations.access import Access, chosen

STATUSES = (RUNNING, COMPENSATING, STUCK, DONE, COMPENSATED)
UNFINISHED = (RUNNING, COMPENSATING, STUCK)

Saga = dict[str, Any]


class Overview(TypedDict):
    """`counts` holds all sagas, by service and status; `sagas` the newest of those that were asked for."""

    counts: dict[str, dict[str, int]]
    sagas: list[Saga]
    errors: list[str]


class Retried(TypedDict):
    retried: list[str]
    not_waiting: list[str]
    errors: list[str]


def overview(access: Access, service: str, status: str, limit: int) -> Overview:
    """Without a status: those that have not finished."""
    wanted = (status,) if status else UNFINISHED

    def look(found: stores.Stores) -> tuple[dict[str, int], list[SagaState]]:
        return found.sagas.count(), [saga for one in wanted for saga in found.sagas.list(one, limit)]

    answers = stores.ask(access, chosen(service), look)
    values = [(answer.service, *answer.value) for answer in answers if answer.value is not None]
    return {
        "counts": {name: dict(sorted(counts.items())) for name, counts, _ in values},
        "sagas": [as_saga(name, saga) for name, _, found in values for saga in found],
        "errors": stores.errors(answers),
    }


def show(access: Access, service: str, saga_id: str) -> Saga:
    def look(found: stores.Stores) -> SagaState | None:
        try:
            return found.sagas.get(saga_id)
        except NotFound:
            return None

    return as_saga(service, known(service, saga_id, only(stores.ask(access, chosen(service), look))))


def retry(access: Access, service: str, saga_id: str | None) -> Retried:
    """Makes one waiting saga due now, or all of them."""

    def act(found: stores.Stores) -> tuple[list[str], list[str]]:
        return end_waits(found.sagas, [saga_id] if saga_id else unfinished(found.sagas))

    if saga_id:
        show(access, service, saga_id)
    answers = stores.ask(access, chosen(service), act)
    values = [answer.value for answer in answers if answer.value is not None]
    return {
        "retried": [one for retried, _ in values for one in retried],
        "not_waiting": [one for _, others in values for one in others],
        "errors": stores.errors(answers),
    }


def unfinished(sagas: SagaStore) -> list[str]:
    counts = sagas.count()
    return [saga.id for status in UNFINISHED for saga in sagas.list(status, counts.get(status, 0) or 1)]


def end_waits(sagas: SagaStore, ids: list[str]) -> tuple[list[str], list[str]]:
    now = datetime.now(UTC)
    waiting = [saga_id for saga_id in ids if sagas.make_due(saga_id, now)]
    return waiting, [saga_id for saga_id in ids if saga_id not in waiting]


def only(answers: list[stores.Answer[SagaState | None]]) -> SagaState | None:
    [answer] = answers
    if answer.error:
        raise ComposeError(answer.error)
    return answer.value


def known(service: str, saga_id: str, found: SagaState | None) -> SagaState:
    if found is None:
        raise ComposeError(
            f"{service} has no saga {saga_id}; 'sagas list {service}' shows those that there are."
        )
    return found


def as_saga(service: str, saga: SagaState) -> Saga:
    """`next_at` is when its next attempt is due or, while somebody works on it, when its lease ends."""
    return {
        "service": service,
        "id": saga.id,
        "type": saga.type,
        "key": saga.key,
        "status": saga.status,
        "step": saga.step,
        "attempts": saga.attempts,
        "created_at": saga.created_at and rfc3339(saga.created_at),
        "next_at": saga.next_at and rfc3339(saga.next_at),
        "age_seconds": ages.seconds_since(saga.created_at),
        "error": saga.error,
        "data": saga.data,
        "log": saga.log,
    }


def as_text(found: Overview) -> str:
    total: Counter[str] = Counter()
    for counts in found["counts"].values():
        total.update(counts)
    summary = ", ".join(f"{total[status]} {status}" for status in STATUSES)
    if not found["sagas"]:
        return f"No saga to show. All sagas: {summary}."
    rows = [("SERVICE", "ID", "TYPE", "KEY", "STATUS", "STEP", "ATTEMPTS", "AGE", "LAST")]
    rows += [
        (
            saga["service"],
            saga["id"],
            saga["type"],
            saga["key"],
            saga["status"],
            str(saga["step"]),
            str(saga["attempts"]),
            ages.as_text(saga["age_seconds"]),
            last_of(saga),
        )
        for saga in found["sagas"]
    ]
    return f"{table.render(rows)}\n\nAll sagas: {summary}."


def last_of(saga: Saga) -> str:
    if not saga["log"]:
        return ""
    last = saga["log"][-1]
    return f"{last['way']} {last['step']}: {last['outcome']}"


def in_full(saga: Saga) -> str:
    simple = [(key, str(value)) for key, value in saga.items() if key not in ("data", "log", "error")]
    log = [(line["at"], line["way"], line["step"], line["outcome"]) for line in saga["log"]]
    parts = [
        table.render(simple),
        f"error  {json.dumps(saga['error'], indent=2)}" if saga["error"] else "",
        f"data  {json.dumps(saga['data'], indent=2)}",
        table.render([("AT", "WAY", "STEP", "OUTCOME"), *log]),
    ]
    return "\n\n".join(part for part in parts if part)


def told(result: Retried) -> str:
    lines = [f"{saga_id} is due now" for saga_id in result["retried"]]
    lines += [
        f"{saga_id} does not wait: it has finished, or it is being worked on"
        for saga_id in result["not_waiting"]
    ]
    return "\n".join(lines) or "No saga waits."
