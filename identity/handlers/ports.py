"""What the use cases need of the world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from chassis.event import Event
from chassis.principal import Caller
from identity.domain.account import Account
from identity.domain.lockout import Failures, Suspect
from identity.domain.session import Session


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
    def add(self, session: Session, events: Sequence[Event] = ()) -> None: ...

    def get(self, session_id: str) -> Session:
        """SessionNotFound when there is none."""

    def save(self, session: Session, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""

    def live_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        """The newest live sign-ins with an id below `before`, newest first."""

    def keys_of(self, account_id: str, at: datetime, before: str | None, limit: int) -> list[Session]:
        """The same of the account's API keys."""

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
