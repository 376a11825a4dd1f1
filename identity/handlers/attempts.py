"""Attempts are counted before they are looked at."""

from __future__ import annotations

from datetime import datetime

from identity.domain.account import ConcurrentUpdate
from identity.domain.lockout import Locked, Suspect
from identity.handlers.ports import FailureLog
from identity.handlers.retries import retried


def count_failure(failures: FailureLog, suspect: Suspect, at: datetime) -> None:
    def count() -> None:
        found = failures.get(suspect)
        found.add(at)
        failures.save(found)

    try:
        retried(count)
    except ConcurrentUpdate as error:
        raise Locked("Too many attempts at once", retry_after=1) from error
