"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from chassis.event import Event
from chassis.principal import Caller
from identity.domain.account import Account
from identity.domain.allowance import Allowance, Asker
from identity.domain.authenticator import Authenticator
from identity.domain.facts import Fact
from identity.domain.link import Link, ResetRequest
from identity.domain.lockout import Failures, Suspect
from identity.domain.membership import Invited, Membership
from identity.domain.session import Session

T = TypeVar("T")


class SessionOwner(Caller, Protocol):
    """The end user, with the session whose token was presented."""

    @property
    def session_id(self) -> str: ...

    def must_have_authenticated(self, acr: str, max_age: int | None, now: datetime) -> None: ...


class Accounts(Protocol):
    def add(self, account: Account, events: Sequence[Event]) -> None:
        """EmailTaken when the kind has an account with this address already."""

    def get(self, account_id: str) -> Account:
        """Raises LookupError: a session without its account is a fault of ours."""

    def find(self, kind: str, email: str) -> Account | None: ...

    def save(self, account: Account, events: Sequence[Event] = ()) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""

    def transaction(self, work: Callable[[], T]) -> T:
        """One for all of identity's stores. `work` may run twice, so it must load what it changes."""


class Sessions(Protocol):
    def add(self, session: Session, events: Sequence[Event] = ()) -> None: ...

    def get(self, session_id: str) -> Session:
        """SessionNotFound when there is none."""

    def save(self, session: Session, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""

    def save_all(self, sessions: Sequence[Session], events: Sequence[Sequence[Event]]) -> None:
        """As `save` for each session, with the events at its place, in one transaction."""

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        """The newest live sign-ins with an id below `before`, newest first."""

    def keys_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        """The same of the account's API keys."""

    def revoked_since(self, at: datetime, after: str | None, limit: int) -> list[Session]:
        """Sessions revoked later than that, with an id above `after`, in the order of their ids."""


class Teams(Protocol):
    def of(self, member_id: str) -> list[Membership]:
        """The teams that the member is in by now, as brand says."""

    def invitation(self, brand_id: str, invitation_id: str) -> Invited:
        """Whom it is for, whether it is open or was accepted. Brand's refusal when it is neither."""

    def join(self, brand_id: str, invitation_id: str, *, member_id: str, email: str, name: str) -> Membership:
        """Accepts it for this member; again for the same one changes nothing. Brand's refusal otherwise."""


class Authenticators(Protocol):
    def find(self, account_id: str) -> Authenticator | None: ...

    def save(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        """Inserts one of version 0. ConcurrentUpdate when it has changed since it was loaded."""

    def remove(self, authenticator: Authenticator, events: Sequence[Event]) -> None:
        """ConcurrentUpdate as above."""


class FailureLog(Protocol):
    def note(self, fact: Fact) -> None:
        """For the audit log."""

    def get(self, suspect: Suspect) -> Failures: ...

    def save(self, failures: Failures) -> None:
        """ConcurrentUpdate when somebody else counted since it was loaded."""

    def forget(self, suspect: Suspect) -> None: ...


class Links(Protocol):
    def add(self, link: Link, events: Sequence[Event]) -> None: ...

    def get(self, link_id: str) -> Link:
        """LinkNotValid when there is none."""

    def by_hash(self, token_hash: str) -> Link:
        """LinkNotValid when there is none."""

    def newest(self, account_id: str, purpose: str) -> str | None:
        """The id of the account's newest link of that purpose."""

    def save(self, link: Link) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


class ResetRequests(Protocol):
    def add(self, request: ResetRequest) -> None: ...

    def take(self) -> ResetRequest | None:
        """The oldest one, which is then gone, in the transaction that is open."""


class LinkTokens(Protocol):
    def make(self, link_id: str) -> str:
        """The token of a new link: 43 characters that nobody can guess."""

    def of(self, link: Link) -> str:
        """The token of a stored link; LinkNotValid when the key that made it is gone."""


class Allowances(Protocol):
    def get(self, asker: Asker) -> Allowance: ...

    def save(self, allowance: Allowance) -> None:
        """ConcurrentUpdate when somebody else was granted something since it was loaded."""


class Passwords(Protocol):
    breached: frozenset[str]

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Takes the same time without a hash, and is then False."""


class AccessTokens(Protocol):
    def sign(self, claims: dict[str, Any]) -> str: ...
