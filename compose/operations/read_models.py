"""`rebuild` computes a read model anew, and `verify` compares what is stored with what it follows from.

Both are done by an RPC of the service that owns it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import amqp

from chassis.amqp import Link
from chassis.rpc.client import RpcConnection
from chassis.rpc.wire import request_queue
from compose import table
from compose.errors import ComposeError
from compose.names import OPERATOR
from compose.operations.access import Access, broker_answers

# Either reads everything that was ever counted; whoever started it waits for its end.
SECONDS_TO_REBUILD = 1800.0


@dataclass(frozen=True)
class ReadModel:
    service: str
    method: str
    text: str


READ_MODELS: Mapping[str, ReadModel] = {
    "analytics-rollups": ReadModel(
        "analytics",
        "rebuild_rollups",
        "figures per minute, hour and day, from every delivery and earning; new facts wait meanwhile",
    ),
}


BOOKS: Mapping[str, ReadModel] = {
    "ledger": ReadModel("payment", "verify_books", "every balance, from its postings, which sum to zero"),
    "participations": ReadModel("participation", "verify_histories", "each, replayed from its events alone"),
    "analytics-rollups": ReadModel("analytics", "verify_rollups", "each figure, from the facts under it"),
}


def rebuild(access: Access, name: str) -> dict[str, Any]:
    """What the owning service says of the read model once it is rebuilt."""
    if name not in READ_MODELS:
        raise ComposeError(
            f"There is no read model {name!r} to rebuild; there are: {', '.join(READ_MODELS)}."
        )
    return {"read_model": name, **asked(access, READ_MODELS[name])}


def verify(access: Access, name: str) -> list[dict[str, Any]]:
    """What the owning services say of these books, or of all of them; and whether all is as it should be."""
    if name and name not in BOOKS:
        raise ComposeError(f"There is nothing {name!r} to verify; there are: {', '.join(BOOKS)}.")
    found = [{"books": book, **asked(access, BOOKS[book])} for book in ([name] if name else BOOKS)]
    return [{**one, "right": is_right(one["answer"])} for one in found]


def is_right(answer: dict[str, Any]) -> bool:
    if "equal" in answer:
        return bool(answer["equal"])
    return bool(answer["balanced"]) and not answer["negative_accounts"]


def asked(access: Access, model: ReadModel) -> dict[str, Any]:
    with broker_answers():
        must_run(access, model.service)
        connection = RpcConnection(access.amqp_uri, OPERATOR)
        try:
            answer: dict[str, Any] = connection.call(
                model.service, model.method, {}, timeout=SECONDS_TO_REBUILD
            )
        finally:
            connection.close()
    return {"service": model.service, "answer": answer}


def must_run(access: Access, service: str) -> None:
    """The queue of a service outlives it, so a request with so much time would wait there for its return."""
    with closing(Link(access.amqp_uri, OPERATOR, lambda connection: None).connect_once()) as connection:
        try:
            queue = connection.channel().queue_declare(request_queue(service), passive=True)
        except amqp.exceptions.NotFound:
            queue = None
    if queue is None or queue.consumer_count == 0:
        raise ComposeError(
            f"{service} does not run, so it can rebuild nothing; 'make status' shows what runs."
        )


def known() -> list[dict[str, str]]:
    return [
        {"read_model": name, "service": model.service, "what": model.text}
        for name, model in READ_MODELS.items()
    ]


def as_text(models: list[dict[str, str]]) -> str:
    rows = [(model["read_model"], model["service"], model["what"]) for model in models]
    return table.render([("READ MODEL", "SERVICE", "WHAT"), *rows])


def told(result: dict[str, Any]) -> str:
    return f"{result['read_model']} is rebuilt; {result['service']} says: {json.dumps(result['answer'])}"


def judged(found: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{one['books']}: {verdict(one)}; {one['service']} says: {json.dumps(one['answer'])}" for one in found
    )


def verdict(one: dict[str, Any]) -> str:
    return "right" if one["right"] else "WRONG"
