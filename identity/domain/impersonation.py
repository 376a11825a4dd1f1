"""Impersonation: an administrator looks at the platform as an account sees it, and everybody can see that.

It is a session of the account's that has no refresh tokens, ends after ten minutes, and cannot do what would
outlast it or move money out.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chassis.errors import Forbidden
from identity.domain.account import Account
from identity.domain.session import ImpersonationFacts, Session
from identity.events import ImpersonationStarted

# Support's; it sorts behind `ses`, so these come first in a list of sessions that has the newest first.
PREFIX = "sup"

# Long enough to look at what somebody has asked about.
LIFETIME = timedelta(minutes=10)


class NotImpersonable(Forbidden):
    code, title = "identity.not_impersonable", "Nobody acts as an administrator but themselves"


def impersonate(
    id: str, account: Account, admin_id: str, reason: str, at: datetime
) -> tuple[Session, list[ImpersonationStarted]]:
    check_is_no_admin(account)
    session = Session(
        id=id,
        account_id=account.id,
        kind=account.kind,
        secret=b"",
        created_at=at,
        last_used_at=at,
        rotated_at=at,
        expires_at=at + LIFETIME,
        impersonation=ImpersonationFacts(admin_id=admin_id, reason=reason),
    )
    event = ImpersonationStarted(
        sid=id, account_id=account.id, admin_id=admin_id, reason=reason, expires_at=session.expires_at
    )
    return session, [event]


def check_is_no_admin(account: Account) -> None:
    if account.kind not in ("brand", "streamer"):
        raise NotImpersonable()
