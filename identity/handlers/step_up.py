"""Authenticating again, within a session that goes on."""

from __future__ import annotations

from chassis.principal import PASSWORD
from identity.domain.account import ID_PREFIXES, Account, InvalidCredentials, normal_password
from identity.domain.lockout import Suspect
from identity.domain.membership import the
from identity.domain.session import Session, SessionNotFound
from identity.handlers.attempts import count_failure, note_failure
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.in_person import must_be_in_person
from identity.handlers.ports import Accounts, FailureLog, Passwords, SessionOwner, Teams
from identity.handlers.retries import retried


def step_up(
    accounts: Accounts,
    teams: Teams,
    failures: FailureLog,
    passwords: Passwords,
    desk: Desk,
    by: SessionOwner,
    *,
    password: str | None = None,
    code: str | None = None,
) -> SignedIn:
    """New tokens that show when, and how, the person was recognised last.

    With an authenticator app its code is needed, and is enough: the session began with the first factor.
    Without one the password is.
    """
    must_be_in_person(by, *ID_PREFIXES)
    account = accounts.get(by.id)
    if password is not None:
        check_password_of(account, failures, passwords, desk, password)
    elif not desk.second_factor.is_enabled(account.id):
        raise InvalidCredentials()
    acr = desk.second_factor.check(account, code)
    return raised(accounts, teams, desk, by.session_id, acr)


def check_password_of(
    account: Account, failures: FailureLog, passwords: Passwords, desk: Desk, password: str
) -> None:
    """InvalidCredentials or Locked; counted with the failures to log in, as it is the same guess."""
    now, suspect = desk.clock.now(), Suspect.account(account.kind, account.email)
    locked_until = count_failure(failures, suspect, now)
    usable_hash = None if account.has_one_time_password else account.usable_hash(now)
    if not passwords.verify(usable_hash, normal_password(password)):
        note_failure(failures, account, account.kind, PASSWORD, None, locked_until)
        raise InvalidCredentials()
    failures.forget(suspect)


def raised(accounts: Accounts, teams: Teams, desk: Desk, session_id: str, acr: str) -> SignedIn:
    """Tokens that show the new authentication, of the session and of what its member may do by now."""
    session = raise_session(desk, session_id, acr)
    membership = the(teams.of(session.account_id), session.acts_for) if session.acts_for else None
    return desk.tokens_of(session, accounts.get(session.account_id), membership)


def raise_session(desk: Desk, session_id: str, acr: str) -> Session:
    """What its tokens show from now on; a refresh does not change it."""

    def raise_once() -> Session:
        session = desk.sessions.get(session_id)
        if not session.is_live(desk.clock.now()):
            raise SessionNotFound()
        desk.sessions.save(session, session.step_up(acr, desk.clock.now()))
        return session

    return retried(raise_once)
