"""Who is told what, over which channel, and how long we try to deliver a mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chassis.errors import Error, NotFound, ServiceUnavailable, ValidationFailed
from chassis.event import Event, ReceivedEvent
from notification.events import NotificationCreated, NotificationRead

IN_APP = "in_app"
EMAIL = "email"
CHANNELS = (IN_APP, EMAIL)

# Roughly half a minute to half a day: past the greylisting of a mail server, and past a bad night of ours.
RETRY_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600, 4 * 3600, 12 * 3600))

# Registrations lag behind by seconds; the arrival of one hastens its mails, so this is the safety net.
RECIPIENT_RECHECK = timedelta(seconds=60)
RECIPIENT_PATIENCE = timedelta(days=7)

# Longer than all time-outs of one SMTP conversation together, so that a living sender keeps its lease.
LEASE = timedelta(minutes=3)


class NotificationNotFound(NotFound):
    code, title = "notification.not_found", "No such notification"


class CriticalKind(ValidationFailed):
    code, title = "notification.critical_kind", "Messages about money and security cannot be turned off"


class UnknownKind(ValidationFailed):
    code, title = "notification.unknown_kind", "There is no such kind of notification for this account"


class MailRefused(Error):
    """Trying again cannot help: the mail server refuses the recipient or the message for good."""

    code, status, title = "notification.mail_refused", 422, "The mail was refused"


class MailDelayed(ServiceUnavailable):
    """The mail server did not take the mail this time."""

    code, title = "notification.mail_delayed", "The mail could not be handed over"


@dataclass(frozen=True, slots=True)
class Kind:
    """`audience` names the kinds of account that can receive it; a critical one cannot be turned off.

    A mail `with_link` holds a one-time link, which is asked for when the mail is sent and stored nowhere; one
    that is `to_a_stranger` goes to an address which is asked for likewise.
    """

    name: str
    audience: frozenset[str]
    critical: bool = False
    with_link: bool = False
    to_a_stranger: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """Whoever has no account has no inbox."""
        return (EMAIL,) if self.to_a_stranger else CHANNELS


BRAND = frozenset({"brand"})
STREAMER = frozenset({"streamer"})
NOBODY: frozenset[str] = frozenset()
MEMBER = frozenset({"member"})
ANYBODY = BRAND | STREAMER | MEMBER | {"admin"}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("welcome", BRAND | STREAMER),
        Kind("email_verification_requested", BRAND | STREAMER, critical=True, with_link=True),
        Kind("password_reset_requested", BRAND | STREAMER | MEMBER, critical=True, with_link=True),
        Kind("team_invitation_requested", NOBODY, critical=True, with_link=True, to_a_stranger=True),
        Kind("password_changed", ANYBODY, critical=True),
        Kind("refresh_token_reused", ANYBODY, critical=True),
        Kind("team_member_joined", BRAND, critical=True),
        Kind("totp_enabled", ANYBODY, critical=True),
        Kind("totp_disabled", ANYBODY, critical=True),
        Kind("totp_reset", ANYBODY, critical=True),
        Kind("recovery_code_used", ANYBODY, critical=True),
        Kind("admin_invited", frozenset({"admin"}), critical=True, with_link=True),
        Kind("impersonation_started", BRAND | STREAMER, critical=True),
        Kind("campaign_approved", BRAND),
        Kind("campaign_rejected", BRAND),
        Kind("campaign_activated", BRAND),
        Kind("campaign_completed", BRAND),
        Kind("campaign_budget_low", BRAND),
        Kind("campaign_budget_returned", BRAND, critical=True),
        Kind("participation_applied", BRAND),
        Kind("participation_approved", STREAMER),
        Kind("participation_rejected", STREAMER),
        Kind("participation_removed", STREAMER),
        Kind("deposit_succeeded", BRAND, critical=True),
        Kind("deposit_reversed", BRAND, critical=True),
        Kind("deposit_reinstated", BRAND, critical=True),
        Kind("payout_paid", STREAMER, critical=True),
        Kind("payout_failed", STREAMER, critical=True),
        Kind("asset_refused", BRAND),
        Kind("webhook_endpoint_disabled", BRAND),
    )
}


@dataclass(frozen=True, slots=True)
class Rule:
    """An event becomes a notification of `kind` for the account in its field `recipient`.

    Only the fields in `keep` are passed on to the templates and to the client.
    """

    kind: str
    recipient: str
    keep: tuple[str, ...]
    known: Mapping[str, str] = field(default_factory=dict)

    def data_of(self, event: ReceivedEvent) -> dict[str, Any]:
        return {**self.known, **{name: event.data.get(name) for name in self.keep}}


PARTICIPATION = ("participation_id", "campaign_id", "campaign_name")

RULES: dict[tuple[str, str], Rule] = {
    ("identity", "brand_registered"): Rule("welcome", "account_id", (), {"account_kind": "brand"}),
    ("identity", "streamer_registered"): Rule("welcome", "account_id", (), {"account_kind": "streamer"}),
    ("identity", "email_verification_requested"): Rule(
        "email_verification_requested", "account_id", ("link_id", "expires_at")
    ),
    ("identity", "password_reset_requested"): Rule(
        "password_reset_requested", "account_id", ("link_id", "expires_at")
    ),
    ("identity", "team_invitation_requested"): Rule(
        "team_invitation_requested", "invitation_id", ("link_id", "expires_at")
    ),
    ("identity", "password_changed"): Rule("password_changed", "account_id", ("reset",)),
    ("identity", "refresh_token_reused"): Rule("refresh_token_reused", "account_id", ("sid", "signed_in_at")),
    ("brand", "team_member_joined"): Rule("team_member_joined", "brand_id", ("member_id", "role")),
    ("identity", "totp_enabled"): Rule("totp_enabled", "account_id", ()),
    ("identity", "totp_disabled"): Rule("totp_disabled", "account_id", ()),
    ("identity", "totp_reset"): Rule("totp_reset", "account_id", ()),
    ("identity", "recovery_code_used"): Rule("recovery_code_used", "account_id", ("left",)),
    ("identity", "admin_invited"): Rule("admin_invited", "account_id", ("link_id", "expires_at")),
    ("identity", "impersonation_started"): Rule(
        "impersonation_started", "account_id", ("sid", "reason", "expires_at")
    ),
    ("campaign", "campaign_approved"): Rule("campaign_approved", "brand_id", ("campaign_id", "name")),
    ("campaign", "campaign_rejected"): Rule(
        "campaign_rejected", "brand_id", ("campaign_id", "name", "reason")
    ),
    ("campaign", "campaign_activated"): Rule(
        "campaign_activated", "brand_id", ("campaign_id", "name", "budget")
    ),
    ("campaign", "campaign_completed"): Rule(
        "campaign_completed", "brand_id", ("campaign_id", "name", "reason")
    ),
    ("campaign", "campaign_budget_low"): Rule(
        "campaign_budget_low", "brand_id", ("campaign_id", "name", "left")
    ),
    ("campaign", "campaign_budget_returned"): Rule(
        "campaign_budget_returned", "brand_id", ("campaign_id", "name", "returned")
    ),
    ("participation", "participation_applied"): Rule(
        "participation_applied", "brand_id", (*PARTICIPATION, "streamer_id")
    ),
    ("participation", "participation_approved"): Rule("participation_approved", "streamer_id", PARTICIPATION),
    ("participation", "participation_rejected"): Rule(
        "participation_rejected", "streamer_id", (*PARTICIPATION, "reason")
    ),
    ("participation", "participation_removed"): Rule(
        "participation_removed", "streamer_id", (*PARTICIPATION, "reason")
    ),
    ("payment", "deposit_succeeded"): Rule("deposit_succeeded", "brand_id", ("deposit_id", "amount")),
    ("payment", "deposit_reversed"): Rule("deposit_reversed", "brand_id", ("deposit_id", "amount", "reason")),
    ("payment", "deposit_reinstated"): Rule(
        "deposit_reinstated", "brand_id", ("deposit_id", "amount", "reason")
    ),
    ("payment", "payout_paid"): Rule("payout_paid", "streamer_id", ("payout_id", "amount", "statement_id")),
    ("payment", "payout_failed"): Rule("payout_failed", "streamer_id", ("payout_id", "amount", "reason")),
    ("asset", "asset_refused"): Rule("asset_refused", "owner_id", ("asset_id", "reason")),
    ("notification", "webhook_endpoint_disabled"): Rule(
        "webhook_endpoint_disabled", "brand_id", ("endpoint_id", "description", "reason")
    ),
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where an account is reached; a read model of identity's registrations."""

    account_id: str
    kind: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class RenderedMail:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What an account wants of one kind of notification."""

    kind: str
    in_app: bool = True
    email: bool = True


@dataclass(frozen=True, slots=True)
class Preferences:
    """An account's choices; a kind without one comes over every channel."""

    account_id: str
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def channels_for(self, kind: str) -> tuple[str, ...]:
        if KINDS[kind].critical:
            return KINDS[kind].channels
        choice = self.choice_of(kind)
        return tuple(channel for channel in CHANNELS if getattr(choice, channel))

    def choice_of(self, kind: str) -> Choice:
        return self.choices.get(kind, Choice(kind))

    @classmethod
    def chosen(cls, account_id: str, account_kind: str, choices: list[Choice]) -> Preferences:
        """The preferences that an account asks for, unless a rule forbids them."""
        for choice in choices:
            check_concerns(choice, account_kind)
            check_keeps_critical(choice)
        return cls(account_id, {choice.kind: choice for choice in choices})


def check_concerns(choice: Choice, account_kind: str) -> None:
    if choice.kind not in KINDS or account_kind not in KINDS[choice.kind].audience:
        raise UnknownKind(choice.kind, {"preferences": [f"Unknown kind {choice.kind}."]})


def check_keeps_critical(choice: Choice) -> None:
    if KINDS[choice.kind].critical and not (choice.in_app and choice.email):
        raise CriticalKind(choice.kind, {"preferences": [f"{choice.kind} cannot be turned off."]})


def kinds_for(account_kind: str) -> list[Kind]:
    return [kind for kind in KINDS.values() if account_kind in kind.audience]


@dataclass(slots=True)
class Notification:
    """Something an account was told. `source_event` is unique: one event is told once."""

    id: str
    account_id: str
    kind: str
    title: str
    body: str
    data: dict[str, Any]
    channels: tuple[str, ...]
    source_event: str
    created_at: datetime
    read_at: datetime | None = None

    def created(self) -> list[Event]:
        return [
            NotificationCreated(
                notification_id=self.id, account_id=self.account_id, kind=self.kind, title=self.title
            )
        ]

    def mark_read(self, at: datetime) -> list[Event]:
        """The first reading counts; reading again changes nothing."""
        if self.read_at is not None:
            return []
        self.read_at = at
        return [NotificationRead(notification_id=self.id, account_id=self.account_id)]

    def mail(self) -> Mail | None:
        if EMAIL not in self.channels:
            return None
        return Mail(self.id, self.account_id, self.kind, self.data, self.created_at, self.created_at)


@dataclass(slots=True)
class Mail:
    """A mail in the queue: queued → sent | failed. It has the id of its notification.

    It is due at `next_attempt_at`; whoever takes it moves that to the end of a lease.
    """

    id: str
    account_id: str
    kind: str
    data: dict[str, Any]
    created_at: datetime
    next_attempt_at: datetime
    status: str = "queued"
    attempts: int = 0
    waiting: bool = False
    failure: str | None = None
    sent_at: datetime | None = None

    def sent(self, at: datetime) -> None:
        self.status, self.sent_at, self.waiting, self.failure = "sent", at, False, None

    def wait_for_recipient(self, now: datetime) -> None:
        """The recipient's registration has not arrived yet; that is nobody's failure, for a while."""
        self.waiting = True
        self.next_attempt_at = now + RECIPIENT_RECHECK
        if now - self.created_at > RECIPIENT_PATIENCE:
            self.refused("The recipient is not known.")

    def delayed(self, now: datetime, reason: str) -> None:
        """Try again later, each time after a longer while, until the delays are used up."""
        if self.attempts >= len(RETRY_DELAYS):
            self.refused(reason)
            return
        self.next_attempt_at = now + RETRY_DELAYS[self.attempts]
        self.attempts, self.failure = self.attempts + 1, reason

    def refused(self, reason: str) -> None:
        self.status, self.waiting, self.failure = "failed", False, reason
