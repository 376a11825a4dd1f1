"""One-time links: what a mail holds, so that whoever opens it proves to read that mailbox."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from chassis.errors import Gone
from chassis.event import Event
from identity.events import (
    AdminInvited,
    EmailVerificationRequested,
    PasswordResetRequested,
    TeamInvitationRequested,
)

PREFIX = "lnk"

VERIFY_EMAIL, RESET_PASSWORD, TEAM_INVITATION = "verify_email", "reset_password", "team_invitation"
ADMIN_INVITATION = "admin_invitation"

# A reset opens an account, so it is soon over; an address may be confirmed by whoever reads mail once a day.
# An invitation to a team may meet a weekend; its brand says in the end whether it still stands.
LIFETIMES = {
    VERIFY_EMAIL: timedelta(hours=24),
    RESET_PASSWORD: timedelta(minutes=30),
    TEAM_INVITATION: timedelta(hours=72),
    ADMIN_INVITATION: timedelta(hours=24),
}

# These open an account, so a second mail takes the first one's place.
NEWEST_ALONE = frozenset({RESET_PASSWORD, ADMIN_INVITATION})


class LinkNotValid(Gone):
    """The same for one that never was: what does not work is not worth telling apart for a stranger."""

    code, title = "identity.link_not_valid", "The link is not valid any more"


def hash_of(token: str) -> str:
    """A token has 256 bits that nobody can guess, so a fast hash tells nobody anything."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(kw_only=True)
class Link:
    """What is known of a link without knowing the link: its token is derived when the mail is sent.

    Who is invited to the team of `brand_id` has no account yet: then `account_id` is the invitation's id.
    """

    id: str
    account_id: str
    purpose: str
    token_hash: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    brand_id: str | None = None
    version: int = 1

    @classmethod
    def make(
        cls, id: str, account_id: str, purpose: str, token: str, at: datetime, brand_id: str | None = None
    ) -> Self:
        return cls(
            id=id,
            account_id=account_id,
            purpose=purpose,
            token_hash=hash_of(token),
            created_at=at,
            expires_at=at + LIFETIMES[purpose],
            brand_id=brand_id,
        )

    def requested(self) -> list[Event]:
        """What a new link makes known, from which a mail follows."""
        if self.brand_id is not None:
            return [
                TeamInvitationRequested(
                    link_id=self.id,
                    brand_id=self.brand_id,
                    invitation_id=self.account_id,
                    expires_at=self.expires_at,
                )
            ]
        kinds = {
            VERIFY_EMAIL: EmailVerificationRequested,
            RESET_PASSWORD: PasswordResetRequested,
            ADMIN_INVITATION: AdminInvited,
        }
        kind = kinds[self.purpose]
        return [kind(link_id=self.id, account_id=self.account_id, expires_at=self.expires_at)]

    def check_works(self, at: datetime, newest_id: str | None) -> None:
        """LinkNotValid once it is used or over; of the links that open an account the newest alone works."""
        is_superseded = self.purpose in NEWEST_ALONE and self.id != newest_id
        if self.used_at is not None or at >= self.expires_at or is_superseded:
            raise LinkNotValid()

    def use(self, at: datetime) -> None:
        self.used_at = at


@dataclass(frozen=True, kw_only=True)
class ResetRequest:
    """Somebody wants to reset the password of an account that may not exist; looked into afterwards."""

    id: str
    kind: str
    email: str
    asked_at: datetime
