"""Use cases: tell somebody, let them read, respect what they chose, and get mails out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chassis.clock import Clock
from chassis.event import Event, ReceivedEvent
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller
from notification.domain.notifications import (
    IN_APP,
    KINDS,
    LEASE,
    RULES,
    Choice,
    Kind,
    Mail,
    MailDelayed,
    MailRefused,
    Notification,
    NotificationNotFound,
    Preferences,
    Recipient,
    RenderedMail,
    kinds_for,
)

EVERYBODY = ("brand", "streamer", "admin")

REGISTRATIONS = {
    "brand_registered": "brand",
    "streamer_registered": "streamer",
    "admin_created": "admin",
    "member_registered": "member",
}

# One round must end before the timer's next ones pile up behind a slow mail server.
MAILS_PER_ROUND = 50


class Recipients(Protocol):
    def save(self, recipient: Recipient) -> None:
        """The first registration of an account stands; saving again changes nothing."""

    def get(self, account_id: str) -> Recipient | None: ...


class Notifications(Protocol):
    def add(self, notification: Notification, mail: Mail | None, events: Sequence[Event]) -> None:
        """Stores all three in one transaction, or nothing when its source event was told already."""

    def get(self, account_id: str, notification_id: str) -> Notification | None: ...

    def save(self, notification: Notification, events: Sequence[Event]) -> None:
        """Stores that it was read, unless somebody else did meanwhile."""

    def inbox(
        self, account_id: str, unread: bool | None, after: str | None, limit: int
    ) -> list[Notification]:
        """The in-app items, newest first, starting below the id `after`."""

    def count_unread(self, account_id: str) -> int: ...


class PreferencesStore(Protocol):
    def get(self, account_id: str) -> Preferences: ...

    def save(self, preferences: Preferences) -> None: ...


class MailQueue(Protocol):
    def lease(self, now: datetime, until: datetime) -> tuple[Mail, str] | None:
        """Takes a mail that is due, with a token; nobody else is given it before `until`."""

    def save(self, mail: Mail, token: str) -> None:
        """Gives the mail back. Without effect when the lease was lost to somebody else."""

    def hasten(self, account_id: str, now: datetime) -> None:
        """Makes due what waits for this recipient."""


class UnreadCounts(Protocol):
    """A cache over `Notifications.count_unread`: derived, and rebuilt whenever it is missing."""

    def count(self, account_id: str) -> int: ...

    def forget(self, account_id: str) -> None: ...


class Links(Protocol):
    def facts(self, link_id: str) -> dict[str, str]:
        """`url` is where a one-time link leads; for a stranger, `email` is to whom, `company_name` from whom.

        MailRefused when the link is over, MailDelayed when nobody can say.
        """


class Templates(Protocol):
    def inbox(self, kind: str, data: Mapping[str, Any]) -> tuple[str, str]:
        """Title and body, as plain text."""

    def mail(self, kind: str, data: Mapping[str, Any], recipient: Recipient) -> RenderedMail: ...


class Mailer(Protocol):
    def send(self, address: str, mail: RenderedMail, mail_id: str) -> None:
        """Hands the mail over; raises MailRefused or MailDelayed. The Message-ID follows from `mail_id`, so
        that a receiving side recognises a mail that had to be sent again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What applies to one kind, and whether its owner may change it."""

    kind: str
    critical: bool
    in_app: bool
    email: bool


def register(recipients: Recipients, mails: MailQueue, clock: Clock, event: ReceivedEvent) -> None:
    recipient = recipient_in(event)
    recipients.save(recipient)
    mails.hasten(recipient.account_id, clock.now())


def notify(
    notifications: Notifications,
    preferences: PreferencesStore,
    templates: Templates,
    clock: Clock,
    new_id: NewId,
    event: ReceivedEvent,
) -> None:
    rule = RULES.get((event.source, event.type))
    if rule is None:
        return
    account_id, data = event.data[rule.recipient], rule.data_of(event)
    channels = preferences.get(account_id).channels_for(rule.kind)
    if not channels:
        return
    title, body = templates.inbox(rule.kind, data)
    notification = Notification(
        new_id("ntf"), account_id, rule.kind, title, body, data, channels, event.id, clock.now()
    )
    notifications.add(notification, notification.mail(), notification.created())


def list_inbox(
    notifications: Notifications, by: Caller, unread: bool | None, cursor: str | None, limit: int
) -> Page[Notification]:
    by.must_be(*EVERYBODY)
    after = str(decode_cursor(cursor, str)[0]) if cursor else None
    found = notifications.inbox(by.id, unread, after, limit + 1)
    return page_of(found, limit, lambda item: [item.id])


def mark_read(notifications: Notifications, clock: Clock, by: Caller, notification_id: str) -> Notification:
    by.must_be(*EVERYBODY)
    notification = notifications.get(by.id, notification_id)
    if notification is None or IN_APP not in notification.channels:
        raise NotificationNotFound()
    events = notification.mark_read(clock.now())
    notifications.save(notification, events)
    return notification


def count_unread(unread: UnreadCounts, by: Caller) -> int:
    by.must_be(*EVERYBODY)
    return unread.count(by.id)


def forget_unread(unread: UnreadCounts, event: ReceivedEvent) -> None:
    unread.forget(event.data["account_id"])


def get_preferences(preferences: PreferencesStore, by: Caller) -> list[Setting]:
    by.must_be(*EVERYBODY)
    return settings_of(preferences.get(by.id), by.kind)


def set_preferences(preferences: PreferencesStore, by: Caller, choices: list[Choice]) -> list[Setting]:
    """Replaces all choices: a kind that is not mentioned comes over every channel again."""
    by.must_be(*EVERYBODY)
    chosen = Preferences.chosen(by.id, by.kind, choices)
    preferences.save(chosen)
    return settings_of(chosen, by.kind)


def settings_of(preferences: Preferences, account_kind: str) -> list[Setting]:
    return [setting_of(preferences, kind) for kind in kinds_for(account_kind)]


def setting_of(preferences: Preferences, kind: Kind) -> Setting:
    choice = preferences.choice_of(kind.name)
    return Setting(kind.name, kind.critical, choice.in_app, choice.email)


def send_mails(
    mails: MailQueue, recipients: Recipients, links: Links, templates: Templates, mailer: Mailer, clock: Clock
) -> int:
    """Sends what is due, and says how many mails it looked at."""
    for done in range(MAILS_PER_ROUND):
        leased = mails.lease(clock.now(), clock.now() + LEASE)
        if leased is None:
            return done
        mail, token = leased
        attempt(mail, recipients.get(mail.account_id), links, templates, mailer, clock)
        mails.save(mail, token)
    return MAILS_PER_ROUND


def attempt(
    mail: Mail, recipient: Recipient | None, links: Links, templates: Templates, mailer: Mailer, clock: Clock
) -> None:
    """A crash after the hand-over and before the mail is saved is the one way to send it twice."""
    if recipient is None and not KINDS[mail.kind].to_a_stranger:
        mail.wait_for_recipient(clock.now())
        return
    try:
        facts = facts_for(mail, links)
        addressee = recipient or stranger(mail, facts)
        rendered = templates.mail(mail.kind, facts, addressee)
        mailer.send(addressee.email, rendered, mail.id)
    except MailRefused as refusal:
        mail.refused(refusal.detail)
    except MailDelayed as delay:
        mail.delayed(clock.now(), delay.detail)
    else:
        mail.sent(clock.now())


def facts_for(mail: Mail, links: Links) -> dict[str, Any]:
    """What the mail is rendered from. A link is in no queue: it is asked for when the mail is sent."""
    if not KINDS[mail.kind].with_link:
        return mail.data
    return {**mail.data, **links.facts(mail.data["link_id"])}


def stranger(mail: Mail, facts: Mapping[str, Any]) -> Recipient:
    """Somebody without an account, of whom nothing is known but the address, and that by now alone."""
    return Recipient(mail.account_id, "member", facts["email"], facts["email"])


def recipient_in(event: ReceivedEvent) -> Recipient:
    data = event.data
    name = data.get("company_name") or data.get("display_name") or data["email"]
    return Recipient(data["account_id"], REGISTRATIONS[event.type], data["email"], name)
