"""Where sessions are opened and continued, whatever kind of sign-in it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chassis.clock import Clock
from chassis.ids import NewId
from identity.domain.account import Account
from identity.domain.membership import Membership
from identity.domain.session import ACCESS_TOKEN_LIFETIME, Session
from identity.handlers.ports import AccessTokens, Sessions
from identity.handlers.second_factor import SecondFactor


@dataclass(frozen=True)
class SignedIn:
    """What a client gets to act for the account."""

    account: Account
    membership: Membership | None
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
    second_factor: SecondFactor

    def open(self, account: Account, address: str | None, acr: str) -> SignedIn:
        """`acr` is what `second_factor.check` says; a new account has no second factor yet."""
        return self.tokens_of(self.begin(account, address, acr), account)

    def begin(self, account: Account, address: str | None, acr: str, acts_for: str | None = None) -> Session:
        """Stores a session for which nobody holds a token yet."""
        now = self.clock.now()
        session = Session.open(self.new_id("ses"), account, self.new_secret(), now, address, acts_for, acr)
        self.sessions.add(session, session.opened())
        return session

    def tokens_of(self, session: Session, account: Account, membership: Membership | None = None) -> SignedIn:
        """`membership` is the session's, as brand knows it by now."""
        claims = session.access_claims(self.new_id("jwt"), self.clock.now())
        return SignedIn(
            account=account,
            membership=membership,
            access_token=self.tokens.sign(claims | (membership.claims if membership else {})),
            refresh_token=str(session.refresh_token),
            expires_in=int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        )
