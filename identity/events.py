"""What identity tells the others. Passwords, tokens and addresses never appear here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class ContactPerson:
    """Whom to talk to at a brand."""

    name: str
    position: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class BrandRegistered(Event):
    """A brand account exists; its profile begins with these facts."""

    type: ClassVar[str] = "brand_registered"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    account_id: str
    email: str
    company_name: str
    industry: str
    contact_person: ContactPerson


@dataclass(frozen=True, kw_only=True)
class StreamerRegistered(Event):
    """A streamer account exists; its profile begins with these facts."""

    type: ClassVar[str] = "streamer_registered"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    account_id: str
    email: str
    display_name: str


@dataclass(frozen=True, kw_only=True)
class AdminCreated(Event):
    """An operator, or another administrator, has made an admin account."""

    type: ClassVar[str] = "admin_created"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    done_to_account: ClassVar[bool] = True
    account_id: str
    email: str


@dataclass(frozen=True, kw_only=True)
class EmailVerificationRequested(Event):
    """A link that verifies the account's address was made; the mail that holds it is to be sent."""

    type: ClassVar[str] = "email_verification_requested"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    link_id: str
    account_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(Event):
    """A link that resets the account's password was made; the mail that holds it is to be sent."""

    type: ClassVar[str] = "password_reset_requested"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    link_id: str
    account_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TeamInvitationRequested(Event):
    """A link that accepts a brand's invitation was made; the mail that holds it is to be sent."""

    type: ClassVar[str] = "team_invitation_requested"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    link_id: str
    brand_id: str
    invitation_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class EmailVerified(Event):
    """Whoever holds the account reads the mail of its address."""

    type: ClassVar[str] = "email_verified"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    account_id: str


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """The account has another password: by a link from a mail (`reset`), or by who knew the old one."""

    type: ClassVar[str] = "password_changed"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    account_id: str
    reset: bool


@dataclass(frozen=True, kw_only=True)
class MemberRegistered(Event):
    """Somebody who was invited to a brand's team has an account now; for whom it acts, brand says."""

    type: ClassVar[str] = "member_registered"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "account_id"
    account_id: str
    email: str
    display_name: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(Event):
    """A program may act for the account, within these scopes, until the key is revoked as a session is."""

    type: ClassVar[str] = "api_key_created"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "sid"
    sid: str
    account_id: str
    name: str
    scopes: list[str]


@dataclass(frozen=True, kw_only=True)
class TotpEnabled(Event):
    """From now on the account signs in with a code of an authenticator app, too."""

    type: ClassVar[str] = "totp_enabled"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "authenticator_id"
    authenticator_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class TotpDisabled(Event):
    """The account signs in with its password alone again."""

    type: ClassVar[str] = "totp_disabled"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "authenticator_id"
    authenticator_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class RecoveryCodesReplaced(Event):
    """The recovery codes from before are worth nothing any more."""

    type: ClassVar[str] = "recovery_codes_replaced"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "authenticator_id"
    authenticator_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class RecoveryCodeUsed(Event):
    """Somebody signed in with a recovery code in place of the app; `left` are still good."""

    type: ClassVar[str] = "recovery_code_used"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "authenticator_id"
    authenticator_id: str
    account_id: str
    left: int


@dataclass(frozen=True, kw_only=True)
class TotpReset(Event):
    """An operator removed the app and its recovery codes, for somebody who has lost both."""

    type: ClassVar[str] = "totp_reset"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "authenticator_id"
    done_to_account: ClassVar[bool] = True
    authenticator_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class AdminInvited(Event):
    """A mail with a one-time link goes to somebody who is to become an administrator."""

    type: ClassVar[str] = "admin_invited"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    done_to_account: ClassVar[bool] = True
    link_id: str
    account_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ImpersonationStarted(Event):
    """An administrator acts as the account until `expires_at`, unless the session is revoked before."""

    type: ClassVar[str] = "impersonation_started"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "sid"
    done_to_account: ClassVar[bool] = True
    sid: str
    account_id: str
    admin_id: str
    reason: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Event):
    """The session's access tokens must be refused from now on.

    After `expires_at` no access token of the session is valid anyway, so a list of revoked
    sessions may forget it then.
    """

    type: ClassVar[str] = "session_revoked"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "sid"
    sid: str
    account_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class RefreshTokenReused(Event):
    """A used refresh token came back: one of its holders is a thief, so the session was ended."""

    type: ClassVar[str] = "refresh_token_reused"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "sid"
    sid: str
    account_id: str
    signed_in_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProviderLinked(Event):
    """The owner of an account at a streaming platform proved it there, and may come in by it.

    `subject` is the platform's own, unchanging id of that account.
    """

    type: ClassVar[str] = "provider_linked"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    link_id: str
    account_id: str
    provider: str
    subject: str
    username: str


@dataclass(frozen=True, kw_only=True)
class ProviderUnlinked(Event):
    """The account at the platform lets nobody in any more."""

    type: ClassVar[str] = "provider_unlinked"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "link_id"
    link_id: str
    account_id: str
    provider: str
    subject: str
