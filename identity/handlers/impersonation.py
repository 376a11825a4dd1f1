"""An administrator acts as an account, for a while and in the open."""

from __future__ import annotations

from dataclasses import dataclass

from identity.domain.account import Account
from identity.domain.impersonation import PREFIX, impersonate
from identity.domain.permissions import RECENT_TWO_FACTORS
from identity.handlers.desk import Desk
from identity.handlers.permissions import PrincipalNotFound
from identity.handlers.ports import Accounts, SessionOwner
from identity.handlers.totp import must_have_shown


@dataclass(frozen=True)
class Impersonating:
    """What an administrator acts with; there is no refresh token."""

    account: Account
    sid: str
    access_token: str
    expires_in: int
    token_type: str = "Bearer"


def start_impersonation(
    accounts: Accounts, desk: Desk, by: SessionOwner, *, account_id: str, reason: str
) -> Impersonating:
    by.must_be("admin")
    must_have_shown(by, RECENT_TWO_FACTORS, desk.clock)
    try:
        account = accounts.get(account_id)
    except LookupError:
        raise PrincipalNotFound() from None
    now = desk.clock.now()
    session, events = impersonate(desk.new_id(PREFIX), account, by.id, reason, now)
    desk.sessions.add(session, events)
    claims = session.access_claims(desk.new_id("jwt"), now)
    return Impersonating(account, session.id, desk.tokens.sign(claims), claims["exp"] - claims["iat"])
