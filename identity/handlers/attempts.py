"""Attempts are counted before they are looked at."""

from __future__ import annotations

from datetime import datetime

from identity.domain.account import Account, ConcurrentUpdate
from identity.domain.facts import LoginFailed
from identity.domain.lockout import Locked, Suspect
from identity.handlers.ports import FailureLog
from identity.handlers.retries import retried


def count_failure(failures: FailureLog, suspect: Suspect, at: datetime) -> datetime | None:
    """Until when the suspect is locked from now on, if this was a failure too many."""

    def count() -> datetime | None:
        found = failures.get(suspect)
        found.add(at)
        failures.save(found)
        return found.locked_until

    try:
        return retried(count)
    except ConcurrentUpdate as error:
        raise Locked("Too many attempts at once", retry_after=1) from error


def note_failure(
    failures: FailureLog,
    account: Account | None,
    kind: str,
    factor: str,
    address: str | None,
    locked_until: datetime | None,
) -> None:
    failures.note(
        LoginFailed(
            account_id=account.id if account else "",
            kind=kind,
            factor=factor,
            address=address,
            locked_until=locked_until,
        )
    )
