"""The use cases of identity: load, one verb of the domain, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chassis.clock import Clock
from chassis.event import Event
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller
from identity.domain.account import (
    ID_PREFIXES,
    Account,
    ConcurrentUpdate,
    EmailTaken,
    InvalidCredentials,
    check_password,
    created_admin,
    normal_email,
    normal_password,
    registered_brand,
    registered_streamer,
)
from identity.domain.lockout import Failures, Locked, Suspect
from identity.domain.session import (
    ACCESS_TOKEN_LIFETIME,
    InvalidRefreshToken,
    RefreshToken,
    Session,
    SessionNotFound,
)
from identity.events import ContactPerson

T = TypeVar("T")

# Each lost race means that another caller's change was stored, so a few attempts are enough.
ATTEMPTS = 5


class SessionOwner(Caller, Protocol):
    """The end user, with the session whose token was presented."""

    @property
    def session_id(self) -> str: ...


class Accounts(Protocol):
    def add(self, account: Account, events: Sequence[Event]) -> None:
        """EmailTaken when the kind has an account with this address already."""

    def get(self, account_id: str) -> Account:
        """Raises LookupError: a session without its account is a fault of ours."""

    def find(self, kind: str, email: str) -> Account | None: ...

    def save(self, account: Account) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


class Sessions(Protocol):
    def add(self, session: Session) -> None: ...

    def get(self, session_id: str) -> Session:
        """SessionNotFound when there is none."""

    def save(self, session: Session, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        """The newest live sessions with an id below `before`, newest first."""

    def revoked_since(self, at: datetime, after: str | None, limit: int) -> list[Session]:
        """Sessions revoked later than that, with an id above `after`, in the order of their ids."""


class FailureLog(Protocol):
    def get(self, suspect: Suspect) -> Failures: ...

    def save(self, failures: Failures) -> None:
        """ConcurrentUpdate when somebody else counted since it was loaded."""

    def forget(self, suspect: Suspect) -> None: ...


class Passwords(Protocol):
    breached: frozenset[str]

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Takes the same time without a hash, and is then False."""


class AccessTokens(Protocol):
    def sign(self, claims: dict[str, Any]) -> str: ...


@dataclass(frozen=True)
class SignedIn:
    """What a client gets to act for the account."""

    account: Account
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"


@dataclass(frozen=True)
class Desk:
    """Opens and continues sessions: the collaborators that every kind of sign-in needs."""

    sessions: Sessions
    tokens: AccessTokens
    clock: Clock
    new_id: NewId
    new_secret: Callable[[], bytes]

    def open(self, account: Account, address: str | None) -> SignedIn:
        session = Session.open(self.new_id("ses"), account, self.new_secret(), self.clock.now(), address)
        self.sessions.add(session)
        return self.tokens_of(session, account)

    def tokens_of(self, session: Session, account: Account) -> SignedIn:
        return SignedIn(
            account=account,
            access_token=self.tokens.sign(session.access_claims(self.new_id("jwt"), self.clock.now())),
            refresh_token=str(session.refresh_token),
            expires_in=int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        )


def register_brand(
    accounts: Accounts,
    passwords: Passwords,
    desk: Desk,
    *,
    email: str,
    password: str,
    company_name: str,
    industry: str,
    contact_person: dict[str, str],
    address: str | None = None,
) -> SignedIn:
    check_password(password, passwords.breached, own_words(email, company_name))
    account = new_account(passwords, desk, "brand", email, password)
    accounts.add(account, registered_brand(account, company_name, industry, ContactPerson(**contact_person)))
    return desk.open(account, address)


def register_streamer(
    accounts: Accounts,
    passwords: Passwords,
    desk: Desk,
    *,
    email: str,
    password: str,
    display_name: str,
    address: str | None = None,
) -> SignedIn:
    check_password(password, passwords.breached, own_words(email, display_name))
    account = new_account(passwords, desk, "streamer", email, password)
    accounts.add(account, registered_streamer(account, display_name))
    return desk.open(account, address)


def own_words(email: str, name: str) -> list[str]:
    return [email, email.partition("@")[0], name]


def new_account(passwords: Passwords, desk: Desk, kind: str, email: str, password: str) -> Account:
    return Account(
        id=desk.new_id(ID_PREFIXES[kind]),
        kind=kind,
        email=normal_email(email),
        password_hash=passwords.hash(normal_password(password)),
        created_at=desk.clock.now(),
    )


def login(
    accounts: Accounts,
    failures: FailureLog,
    passwords: Passwords,
    desk: Desk,
    *,
    kind: str,
    email: str,
    password: str,
    address: str | None = None,
) -> SignedIn:
    """InvalidCredentials or Locked, neither of which tells whether the account exists."""
    now = desk.clock.now()
    by_account = Suspect.account(kind, email)
    by_address = [Suspect.address(address)] if address else []
    for suspect in by_address:
        failures.get(suspect).check_not_locked(now)
    # Counted before the password is looked at, so that guesses sent all at once cannot outrun the count.
    count_failure(failures, by_account, now)

    account = accounts.find(kind, normal_email(email))
    usable_hash = account.usable_hash(now) if account else None
    if not passwords.verify(usable_hash, normal_password(password)) or account is None:
        for suspect in by_address:
            count_failure(failures, suspect, now)
        raise InvalidCredentials()

    use_up(accounts, account)
    failures.forget(by_account)
    return desk.open(account, address)


def count_failure(failures: FailureLog, suspect: Suspect, at: datetime) -> None:
    def count() -> None:
        found = failures.get(suspect)
        found.add(at)
        failures.save(found)

    try:
        retried(count)
    except ConcurrentUpdate as error:
        raise Locked("Too many attempts at once", retry_after=1) from error


def use_up(accounts: Accounts, account: Account) -> None:
    """A one-time password is right once; of two sign-ins at the same moment one is refused."""
    if not account.has_one_time_password:
        return
    account.use_one_time_password()
    try:
        accounts.save(account)
    except ConcurrentUpdate as error:
        raise InvalidCredentials() from error


def refresh(accounts: Accounts, desk: Desk, *, refresh_token: str, address: str | None = None) -> SignedIn:
    """The successor of a refresh token, with a new access token.

    Two calls at once with one token get one successor: the slower one finds the session rotated
    and stands within the grace period.
    """
    presented = RefreshToken.parse(refresh_token)

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
    return desk.tokens_of(session, accounts.get(session.account_id))


def session_of(sessions: Sessions, presented: RefreshToken) -> Session:
    try:
        return sessions.get(presented.session_id)
    except SessionNotFound as error:
        raise InvalidRefreshToken() from error


def logout(sessions: Sessions, clock: Clock, by: SessionOwner) -> None:
    by.must_be(*ID_PREFIXES)
    revoke(sessions, clock, by.session_id)


def revoke_session(sessions: Sessions, clock: Clock, by: SessionOwner, *, sid: str) -> None:
    by.must_be(*ID_PREFIXES)
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


def list_sessions(
    sessions: Sessions, clock: Clock, by: SessionOwner, *, limit: int, cursor: str | None
) -> Page[ListedSession]:
    by.must_be(*ID_PREFIXES)
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
    )


def revoked_sessions(sessions: Sessions, clock: Clock, *, limit: int, cursor: str | None) -> Page[Session]:
    """Sessions whose access tokens look valid and must be refused, for whoever missed the events."""
    after = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = sessions.revoked_since(clock.now() - ACCESS_TOKEN_LIFETIME, after, limit + 1)
    return page_of(found, limit, key=lambda session: [session.id])


@dataclass(frozen=True)
class Invited:
    """A new admin's way in; the password is told here and nowhere else."""

    account_id: str
    email: str
    one_time_password: str


def create_admin(
    accounts: Accounts,
    passwords: Passwords,
    clock: Clock,
    new_id: NewId,
    new_password: Callable[[], str],
    *,
    email: str,
) -> Invited:
    """A new admin, or a new one-time password for the one who has this e-mail address."""
    one_time_password = new_password()
    password_hash = passwords.hash(one_time_password)

    def create_or_renew() -> Account:
        found = accounts.find("admin", normal_email(email))
        if found is None:
            return add_admin(accounts, new_id("adm"), normal_email(email), password_hash, clock.now())
        found.give_one_time_password(password_hash, clock.now())
        accounts.save(found)
        return found

    account = retried(create_or_renew, lost_race=(ConcurrentUpdate, EmailTaken))
    return Invited(account.id, account.email, one_time_password)


def add_admin(accounts: Accounts, id: str, email: str, password_hash: str, at: datetime) -> Account:
    account = Account(id=id, kind="admin", email=email, password_hash=None, created_at=at)
    account.give_one_time_password(password_hash, at)
    accounts.add(account, created_admin(account))
    return account


def retried(attempt: Callable[[], T], lost_race: tuple[type[Exception], ...] = (ConcurrentUpdate,)) -> T:
    """Attempt again from a fresh load when somebody else's change was stored in between."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except lost_race:
            continue
    return attempt()
