"""Sessions: one sign-in, its family of refresh tokens, and what its access tokens say."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from chassis.errors import NotFound, Unauthenticated
from chassis.event import Event
from chassis.ids import is_id
from chassis.principal import PASSWORD
from identity.domain.account import Account
from identity.domain.facts import LoggedIn, SteppedUp
from identity.domain.permissions import NOT_WHILE_IMPERSONATING, OWN_SCOPES
from identity.events import RefreshTokenReused, SessionRevoked

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)

# Two tabs of one browser, or a client that lost the answer, refresh with the same token within seconds.
REFRESH_GRACE = timedelta(seconds=10)

# A session ends when it was not used for this long. An admin's reaches everybody's money and data.
SESSION_LIFETIMES = {
    "brand": timedelta(days=30),
    "streamer": timedelta(days=30),
    "admin": timedelta(hours=12),
    "member": timedelta(days=30),
}


class InvalidRefreshToken(Unauthenticated):
    code, title = "identity.invalid_refresh_token", "The refresh token is not valid"


class SessionNotFound(NotFound):
    code, title = "identity.session_not_found", "Session not found"


@dataclass(frozen=True)
class RefreshToken:
    """`<session id>.<generation>.<proof>`, where only the session's secret makes the proof.

    The tokens of a family are derived, not stored: any old one is recognised as genuine, and the
    successor of one can be told again within the grace period.
    """

    session_id: str
    generation: int
    proof: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """InvalidRefreshToken for what is not even shaped like one."""
        session_id, generation, proof = [*text.split("."), "", ""][:3]
        if not is_id("ses", session_id) or not (generation.isascii() and generation.isdigit()):
            raise InvalidRefreshToken()
        if len(generation) > len(str(2**31)):
            raise InvalidRefreshToken()
        return cls(session_id, int(generation), proof)

    @classmethod
    def derive(cls, session_id: str, generation: int, secret: bytes) -> Self:
        mac = hmac.digest(secret, f"{session_id}.{generation}".encode(), "sha256")
        return cls(session_id, generation, base64.urlsafe_b64encode(mac).decode().rstrip("="))

    def __str__(self) -> str:
        return f"{self.session_id}.{self.generation}.{self.proof}"


@dataclass(frozen=True)
class KeyFacts:
    """What makes a session an API key: its name, its scopes, and the hash of what is presented.

    `made_by` is the member who made it and saw it; None when the brand's own account did.
    """

    name: str
    scopes: tuple[str, ...]
    secret_hash: str
    is_used: bool
    made_by: str | None = None


@dataclass(frozen=True)
class ImpersonationFacts:
    """Which administrator acts as the account, and why."""

    admin_id: str
    reason: str


@dataclass(kw_only=True)
class Session:
    """One sign-in on one device, and the family of refresh tokens that keeps it alive.

    With `key` it is an API key (see api_key.py), with `impersonation` an administrator's (see
    impersonation.py); neither has refresh tokens. With `acts_for` it is that of a member (see membership.py)
    who signed in for this brand.
    """

    id: str
    account_id: str
    kind: str
    secret: bytes
    created_at: datetime
    last_used_at: datetime
    rotated_at: datetime
    expires_at: datetime
    address: str | None = None
    acts_for: str | None = None
    key: KeyFacts | None = None
    impersonation: ImpersonationFacts | None = None
    acr: str = PASSWORD
    authenticated_at: datetime | None = None
    generation: int = 1
    revoked_at: datetime | None = None
    version: int = 1

    @classmethod
    def open(
        cls,
        id: str,
        account: Account,
        secret: bytes,
        at: datetime,
        address: str | None,
        acts_for: str | None = None,
        acr: str = PASSWORD,
    ) -> Session:
        return cls(
            id=id,
            account_id=account.id,
            kind=account.kind,
            secret=secret,
            created_at=at,
            last_used_at=at,
            rotated_at=at,
            expires_at=at + SESSION_LIFETIMES[account.kind],
            address=address,
            acts_for=acts_for,
            acr=acr,
            authenticated_at=at,
        )

    @property
    def refresh_token(self) -> RefreshToken:
        return RefreshToken.derive(self.id, self.generation, self.secret)

    @property
    def scopes(self) -> list[str]:
        """What access tokens carry; a key never more than its account has by now."""
        granted = OWN_SCOPES.get(self.kind, frozenset())
        if self.impersonation is not None:
            granted -= NOT_WHILE_IMPERSONATING
        return sorted(granted if self.key is None else granted.intersection(self.key.scopes))

    def use(self, at: datetime) -> None:
        """An API key was presented."""
        assert self.key is not None
        self.last_used_at = at
        self.key = replace(self.key, is_used=True)

    def step_up(self, acr: str, at: datetime) -> list[SteppedUp]:
        """The person behind it has proved again who they are."""
        self.acr, self.authenticated_at = acr, at
        return [SteppedUp(account_id=self.account_id, sid=self.id, acr=acr)]

    def opened(self) -> list[LoggedIn]:
        """What a sign-in makes known, to the audit log alone."""
        return [LoggedIn(account_id=self.account_id, sid=self.id, acr=self.acr, address=self.address)]

    def is_live(self, at: datetime) -> bool:
        return self.revoked_at is None and at < self.expires_at

    def refresh(self, presented: RefreshToken, at: datetime, address: str | None = None) -> list[Event]:
        """Rotate for the newest token; revoke for an old one, since one of its two holders is a thief.

        Within the grace period the last but newest token leaves everything as it is, so that its
        holder gets the one successor that exists.
        """
        self.check_genuine(presented)
        self.check_live(at)
        if presented.generation == self.generation:
            self._rotate(at, address)
            return []
        if presented.generation == self.generation - 1 and at - self.rotated_at <= REFRESH_GRACE:
            return []
        reused = RefreshTokenReused(sid=self.id, account_id=self.account_id, signed_in_at=self.created_at)
        return [*self.revoke(at), reused]

    def check_genuine(self, presented: RefreshToken) -> None:
        if self.key is not None or self.impersonation is not None:
            raise InvalidRefreshToken()
        derived = RefreshToken.derive(self.id, presented.generation, self.secret)
        if not hmac.compare_digest(derived.proof.encode(), presented.proof.encode()):
            raise InvalidRefreshToken()

    def check_live(self, at: datetime) -> None:
        if not self.is_live(at):
            raise InvalidRefreshToken()

    def _rotate(self, at: datetime, address: str | None) -> None:
        self.generation += 1
        self.rotated_at = self.last_used_at = at
        self.address = address or self.address
        self.expires_at = at + SESSION_LIFETIMES[self.kind]

    def revoke(self, at: datetime) -> list[SessionRevoked]:
        """End the session; revoking a revoked one says nothing new."""
        if self.revoked_at is not None:
            return []
        self.revoked_at = at
        return [SessionRevoked(sid=self.id, account_id=self.account_id, expires_at=self.last_token_ends)]

    @property
    def last_token_ends(self) -> datetime:
        """When no access token of a revoked session is valid any more."""
        assert self.revoked_at is not None
        return self.revoked_at + ACCESS_TOKEN_LIFETIME

    def access_claims(self, token_id: str, at: datetime) -> dict[str, Any]:
        """The claims that depend on the session; issuer and audience are the signer's (RFC 9068)."""
        issued_at = int(at.timestamp())
        ends_at = min(at + ACCESS_TOKEN_LIFETIME, self.expires_at)
        claims = {
            "sub": self.account_id,
            "iat": issued_at,
            "exp": int(ends_at.timestamp()),
            "jti": token_id,
            "scope": " ".join(self.scopes),
            "kind": self.kind,
            "sid": self.id,
        }
        return claims | self._authentication

    @property
    def _authentication(self) -> dict[str, Any]:
        """How and when the person was recognised; nobody stands behind an API key.

        An administrator is named as the actor (RFC 8693), and has shown nothing of the account's.
        """
        if self.impersonation is not None:
            return {"act": {"sub": self.impersonation.admin_id, "kind": "admin"}}
        if self.key is not None:
            return {}
        return {"acr": self.acr, "auth_time": int((self.authenticated_at or self.created_at).timestamp())}
