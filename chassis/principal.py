"""Who is asking: the verified end user of a call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from chassis.errors import Forbidden, StepUpRequired, Unauthenticated

PASSWORD, SECOND_FACTOR = "pwd", "mfa"
STRENGTHS = ("", PASSWORD, SECOND_FACTOR)
"""What an access token may say in `acr`, the weakest first."""


ADMIN_PREFIX = "adm_"


def is_by_admin(actor: str | None) -> bool:
    """Whether an actor's id is an administrator's, who may have acted as somebody else."""
    return actor is not None and actor.startswith(ADMIN_PREFIX)


class Caller(Protocol):
    """What handlers need to know of the end user."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def is_admin(self) -> bool: ...

    def must_be(self, *kinds: str) -> None: ...

    def owns(self, owner_id: str) -> bool: ...


class ScopedCaller(Caller, Protocol):
    """The same for handlers whose answer depends on what the token allows."""

    def has(self, scope: str) -> bool: ...

    def must_have(self, scope: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Delegate:
    """Somebody who acts for an account and is not that account; `role` says what as."""

    id: str
    kind: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """The end user whose access token was verified; `kind` is "anonymous" without a token.

    `id` and `kind` are those of the account that is acted for, which is what ownership is about.
    """

    id: str
    kind: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    session_id: str = ""
    auth_time: datetime | None = None
    acr: str = ""
    delegate: Delegate | None = None

    @property
    def actor_id(self) -> str:
        """Who acts, for the audit trail: the delegate, or the account itself."""
        return self.delegate.id if self.delegate else self.id

    def in_person(self) -> Principal:
        """The one who acts, as somebody with belongings of their own (sessions, a password)."""
        if self.delegate is None:
            return self
        return replace(self, id=self.delegate.id, kind=self.delegate.kind, delegate=None)

    @property
    def is_admin(self) -> bool:
        return self.kind == "admin"

    def must_be(self, *kinds: str) -> None:
        """Raise Unauthenticated without a token, Forbidden for a principal of another kind."""
        if self.kind == "anonymous":
            raise Unauthenticated()
        if self.kind not in kinds:
            raise Forbidden(f"only {' or '.join(kinds)} accounts may do this")

    def has(self, scope: str) -> bool:
        return scope in self.scopes

    def must_have(self, scope: str) -> None:
        """Forbidden when the token does not carry the scope."""
        if not self.has(scope):
            raise Forbidden(f"this needs the scope {scope}")

    def owns(self, owner_id: str) -> bool:
        return self.id == owner_id

    def must_have_authenticated(self, acr: str, max_age: int | None, now: datetime) -> None:
        """Raise StepUpRequired unless the person proved who they are as strongly, and as lately (in seconds).

        Whoever never did, as an API key, is refused as well.
        """
        strong = self.acr in STRENGTHS and STRENGTHS.index(self.acr) >= STRENGTHS.index(acr)
        recent = self.auth_time is not None and (
            max_age is None or now - self.auth_time <= timedelta(seconds=max_age)
        )
        if not (strong and recent):
            asked = {"acr_values": acr} | ({} if max_age is None else {"max_age": max_age})
            raise StepUpRequired("Authenticate again at /v1/auth/step-up", **asked)


ANONYMOUS = Principal(id="", kind="anonymous")
