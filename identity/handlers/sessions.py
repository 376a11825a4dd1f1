"""Continuing, listing and ending sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chassis.clock import Clock
from chassis.pagination import Page, decode_cursor, page_of
from identity.domain.account import ID_PREFIXES
from identity.domain.membership import Membership, NoMembership, the
from identity.domain.session import (
    ACCESS_TOKEN_LIFETIME,
    ImpersonationFacts,
    InvalidRefreshToken,
    RefreshToken,
    Session,
    SessionNotFound,
)
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.in_person import must_be_in_person, must_be_somebody
from identity.handlers.ports import Accounts, SessionOwner, Sessions, Teams
from identity.handlers.retries import retried


def refresh(
    accounts: Accounts, teams: Teams, desk: Desk, *, refresh_token: str, address: str | None = None
) -> SignedIn:
    """The successor of a refresh token, with a new access token.

    Two calls at once with one token get one successor: the slower one finds the session rotated
    and stands within the grace period.
    """
    presented = RefreshToken.parse(refresh_token)
    membership = membership_now(teams, desk, presented)

    def rotate() -> Session:
        session = session_of(desk.sessions, presented)
        newest = session.generation
        events = session.refresh(presented, desk.clock.now(), address)
        # Within the grace period nothing changes: storing that would only lose races against its like.
        if events or session.generation != newest:
            desk.sessions.save(session, events)
        return session

    session = retried(rotate)
    # Raised after the save, because a family that was revoked for reuse must stay revoked.
    session.check_live(desk.clock.now())
    return desk.tokens_of(session, accounts.get(session.account_id), membership)


def membership_now(teams: Teams, desk: Desk, presented: RefreshToken) -> Membership | None:
    """As whom a member acts by now; None for who acts for nobody else.

    It is looked up before the token is used up, so that a member whose team cannot be asked tries again with
    it. A role that is taken away in between ends the session, and with it the token that is made here.
    """
    session = session_of(desk.sessions, presented)
    if session.acts_for is None:
        return None
    session.check_genuine(presented)
    session.check_live(desk.clock.now())
    try:
        return the(teams.of(session.account_id), session.acts_for)
    except NoMembership as error:
        raise InvalidRefreshToken() from error


def session_of(sessions: Sessions, presented: RefreshToken) -> Session:
    try:
        return sessions.get(presented.session_id)
    except SessionNotFound as error:
        raise InvalidRefreshToken() from error


def logout(sessions: Sessions, clock: Clock, by: SessionOwner) -> None:
    """An administrator who acts as somebody else stops doing so."""
    must_be_somebody(by, *ID_PREFIXES)
    revoke(sessions, clock, by.session_id)


def revoke_session(sessions: Sessions, clock: Clock, by: SessionOwner, *, sid: str) -> None:
    must_be_in_person(by, *ID_PREFIXES)
    session = sessions.get(sid)
    if not by.owns(session.account_id) or not session.is_live(clock.now()):
        raise SessionNotFound()
    revoke(sessions, clock, sid)


def revoke(sessions: Sessions, clock: Clock, sid: str) -> None:
    def revoke_once() -> None:
        session = sessions.get(sid)
        if events := session.revoke(clock.now()):
            sessions.save(session, events)

    retried(revoke_once)


@dataclass(frozen=True)
class ListedSession:
    sid: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str | None
    current: bool
    impersonation: ImpersonationFacts | None


def list_sessions(
    sessions: Sessions, clock: Clock, by: SessionOwner, *, limit: int, cursor: str | None
) -> Page[ListedSession]:
    must_be_in_person(by, *ID_PREFIXES)
    before = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = sessions.live_of(by.id, clock.now(), before, limit + 1)
    return page_of([listed(session, by) for session in found], limit, key=lambda item: [item.sid])


def listed(session: Session, by: SessionOwner) -> ListedSession:
    return ListedSession(
        sid=session.id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        address=session.address,
        current=session.id == by.session_id,
        impersonation=session.impersonation,
    )


def revoked_sessions(sessions: Sessions, clock: Clock, *, limit: int, cursor: str | None) -> Page[Session]:
    """Sessions whose access tokens look valid and must be refused, for whoever missed the events."""
    after = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = sessions.revoked_since(clock.now() - ACCESS_TOKEN_LIFETIME, after, limit + 1)
    return page_of(found, limit, key=lambda session: [session.id])
