"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chassis.clock import Clock
from chassis.event import ReceivedEvent
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from identity.domain.account import ID_PREFIXES
from identity.domain.audit import PREFIX, Entry, Link, entry_of_act
from identity.domain.permissions import TWO_FACTORS
from identity.domain.session import SessionNotFound
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import SessionOwner, Sessions
from identity.handlers.totp import must_have_shown


class ToldOfActs(Protocol):
    def append(self, entries: Sequence[Entry]) -> None:
        """In the transaction that is open here."""


class AuditLog(Protocol):
    def newest(self, account: str | None, before: int | None, limit: int) -> list[Link]:
        """Of one account or of all, with a number below `before`, the newest first."""


def list_audit(
    log: AuditLog,
    clock: Clock,
    by: SessionOwner,
    *,
    limit: int,
    cursor: str | None,
    account_id: str | None = None,
) -> Page[Link]:
    """Everything, or what is about one account, for administrators."""
    by.must_be("admin")
    must_have_shown(by, TWO_FACTORS, clock)
    return page(log, account_id, limit, cursor)


def list_security_events(log: AuditLog, by: SessionOwner, *, limit: int, cursor: str | None) -> Page[Link]:
    """What happened to the caller's own account."""
    must_be_in_person(by, *ID_PREFIXES)
    return page(log, by.id, limit, cursor)


def note_act(log: ToldOfActs, sessions: Sessions, new_id: NewId, event: ReceivedEvent) -> None:
    """What an administrator did in another service, as themselves or as the account they act as."""
    log.append([entry_of_act(event, new_id(PREFIX), impersonated(sessions, event.session))])


def impersonated(sessions: Sessions, session_id: str | None) -> str | None:
    if session_id is None:
        return None
    try:
        session = sessions.get(session_id)
    except SessionNotFound:
        return None
    return session.account_id if session.impersonation is not None else None


def page(log: AuditLog, account: str | None, limit: int, cursor: str | None) -> Page[Link]:
    before = int(decode_cursor(cursor, int)[0]) if cursor else None
    return page_of(log.newest(account, before, limit + 1), limit, key=lambda link: [link.seq])
