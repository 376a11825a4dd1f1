"""`audit verify`: follows the chain of identity's audit log from its beginning, where it is stored."""

from __future__ import annotations

from typing import TypedDict

from pymongo.errors import PyMongoError

from chassis.mongo import Mongo
from compose.errors import ComposeError
from compose.operations import ages
from compose.operations.access import Access
from identity.domain.audit import Head, verify
from identity.storage import MongoAuditLog

SERVICE = "identity"

# Identity puts entries into the chain every second; what waits longer is kept out by something.
LONGEST_WAIT_SECONDS = 60


class Verification(TypedDict):
    """`broken` is the number of the first entry that is not as it was; `head` is what to keep elsewhere."""

    entries: int
    head: str
    broken: int | None
    problem: str
    waiting: int
    waiting_seconds: float | None


def verified(access: Access, known: str = "") -> Verification:
    """`known` is a head that was written down: nothing up to it may have changed or be gone."""
    head = parsed(known) if known else None
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}{SERVICE}")
    try:
        log = MongoAuditLog(mongo)
        report, waiting = verify(log.links(), head), log.waiting()
    except PyMongoError as error:
        raise ComposeError(f"MongoDB does not answer ({type(error).__name__}).") from None
    finally:
        mongo.close()
    return {
        "entries": report.entries,
        "head": str(report.head),
        "broken": report.broken,
        "problem": report.problem,
        "waiting": len(waiting),
        "waiting_seconds": ages.seconds_since(waiting[0].at if waiting else None),
    }


def parsed(known: str) -> Head:
    seq, _, digest = known.partition(":")
    if not seq.isdigit() or len(digest) != len(Head().hash):
        raise ComposeError("A head is written NUMBER:HASH, as this command and identity's log do.")
    return Head(int(seq), digest)


def errors(found: Verification) -> list[str]:
    sentences = []
    if found["broken"] is not None:
        sentences.append(f"Entry {found['broken']} is not as it was: {found['problem']}.")
    if (found["waiting_seconds"] or 0) > LONGEST_WAIT_SECONDS:
        sentences.append(f"{found['waiting']} entries wait to be put into the chain: does identity run?")
    return sentences


def as_text(found: Verification) -> str:
    if found["broken"] is not None:
        return f"{found['entries']} entries fit together; the next one does not."
    return f"{found['entries']} entries, none touched. Head {found['head']}"
