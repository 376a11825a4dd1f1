"""Members of a brand's team: signing in for a brand, and what ends that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chassis.clock import Clock
from chassis.event import ReceivedEvent
from identity.domain.account import Account
from identity.domain.facts import TEAM_FACTS
from identity.domain.membership import MEMBER, Membership, NoMembership, chosen, the
from identity.domain.session import Session
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.login import proven, still_proven
from identity.handlers.ports import Accounts, FailureLog, Passwords, Sessions, Teams
from identity.handlers.sessions import revoke

Live = Callable[[str, datetime, str | None, int], list[Session]]

# A member who has forgotten to log out a hundred times is ended in one more look.
SESSIONS_AT_ONCE = 100


def login_member(
    accounts: Accounts,
    failures: FailureLog,
    passwords: Passwords,
    teams: Teams,
    desk: Desk,
    *,
    email: str,
    password: str,
    brand_id: str | None = None,
    code: str | None = None,
    address: str | None = None,
) -> SignedIn:
    account, acr = proven(accounts, failures, passwords, desk, MEMBER, email, password, code, address)
    signed_in = open_for(teams, desk, account, chosen(teams.of(account.id), brand_id), address, acr)
    return still_proven(accounts, desk, account, signed_in)


def open_for(
    teams: Teams, desk: Desk, account: Account, membership: Membership, address: str | None, acr: str
) -> SignedIn:
    """The role is looked up once the session is stored.

    Taking somebody out of a team ends their stored sessions. When that happens in this very moment, either
    the look-up does not find the member any more, or the ending finds this session.
    """
    session = desk.begin(account, address, acr, acts_for=membership.brand_id)
    try:
        current = the(teams.of(account.id), membership.brand_id)
    except NoMembership:
        revoke(desk.sessions, desk.clock, session.id)
        raise
    return desk.tokens_of(session, account, current)


def end_member_sessions(sessions: Sessions, clock: Clock, event: ReceivedEvent) -> None:
    """After a changed role, too: a token says what its holder may do, and lives for a quarter of an hour.

    So do the keys that the member made, and has seen: they are a way in that would outlast the membership.
    """
    member_id, brand_id, now = event.data["member_id"], event.data["brand_id"], clock.now()
    end_all(sessions, sessions.live_of, member_id, lambda session: session.acts_for == brand_id, now)
    end_all(sessions, sessions.keys_of, brand_id, lambda key: made_by(key, member_id), now)


def made_by(session: Session, member_id: str) -> bool:
    return session.key is not None and session.key.made_by == member_id


def end_all(
    sessions: Sessions, live: Live, account_id: str, ends: Callable[[Session], bool], now: datetime
) -> None:
    before: str | None = None
    while found := live(account_id, now, before, SESSIONS_AT_ONCE):
        before = found[-1].id
        ended = [session for session in found if ends(session)]
        sessions.save_all(ended, [session.revoke(now) for session in ended])


def note_team_change(failures: FailureLog, event: ReceivedEvent) -> None:
    """Who may act for a brand is in its audit log, beside how they come in."""
    fact = TEAM_FACTS[event.type]
    failures.note(fact.from_data(event.data | {"account_id": event.data["brand_id"]}))
