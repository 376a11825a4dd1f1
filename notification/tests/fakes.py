"""Notification's stores in memory, and a mail server that remembers or fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime

from chassis.event import Event
from notification.domain.notifications import IN_APP, Mail, Notification, Preferences, Recipient, RenderedMail


class MemoryRecipients:
    def __init__(self) -> None:
        self._recipients: dict[str, Recipient] = {}

    def save(self, recipient: Recipient) -> None:
        self._recipients.setdefault(recipient.account_id, recipient)

    def get(self, account_id: str) -> Recipient | None:
        return self._recipients.get(account_id)


class MemoryMailQueue:
    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}
        self._leases: dict[str, str] = {}
        self._tokens = 0

    def put(self, mail: Mail) -> None:
        self.mails[mail.id] = deepcopy(mail)

    def lease(self, now: datetime, until: datetime) -> tuple[Mail, str] | None:
        queued = (mail for mail in self.mails.values() if mail.status == "queued")
        due = sorted((m for m in queued if m.next_attempt_at <= now), key=lambda m: m.next_attempt_at)
        if not due:
            return None
        self._tokens += 1
        taken, token = deepcopy(due[0]), f"lease_{self._tokens}"
        due[0].next_attempt_at, self._leases[taken.id] = until, token
        return taken, token

    def save(self, mail: Mail, token: str) -> None:
        if self._leases.get(mail.id) == token:
            del self._leases[mail.id]
            self.put(mail)

    def hasten(self, account_id: str, now: datetime) -> None:
        for mail in self.mails.values():
            if mail.account_id == account_id and mail.waiting and mail.id not in self._leases:
                mail.next_attempt_at = now


class MemoryNotifications:
    def __init__(self, mails: MemoryMailQueue) -> None:
        self._mails = mails
        self._notifications: dict[str, Notification] = {}
        self.events: list[Event] = []

    def add(self, notification: Notification, mail: Mail | None, events: Sequence[Event]) -> None:
        told = {known.source_event for known in self._notifications.values()}
        if notification.source_event in told:
            return
        self._notifications[notification.id] = deepcopy(notification)
        self.events.extend(events)
        if mail is not None:
            self._mails.put(mail)

    def get(self, account_id: str, notification_id: str) -> Notification | None:
        found = self._notifications.get(notification_id)
        return deepcopy(found) if found and found.account_id == account_id else None

    def save(self, notification: Notification, events: Sequence[Event]) -> None:
        if self._notifications[notification.id].read_at is None:
            self._notifications[notification.id] = deepcopy(notification)
            self.events.extend(events)

    def inbox(
        self, account_id: str, unread: bool | None, after: str | None, limit: int
    ) -> list[Notification]:
        mine = [
            item
            for item in self._notifications.values()
            if item.account_id == account_id
            and IN_APP in item.channels
            and (after is None or item.id < after)
            and (unread is None or (item.read_at is None) == unread)
        ]
        return deepcopy(sorted(mine, key=lambda item: item.id, reverse=True)[:limit])

    def count_unread(self, account_id: str) -> int:
        return len(self.inbox(account_id, True, None, 10_000))


class MemoryPreferences:
    def __init__(self) -> None:
        self._preferences: dict[str, Preferences] = {}

    def get(self, account_id: str) -> Preferences:
        return self._preferences.get(account_id, Preferences(account_id))

    def save(self, preferences: Preferences) -> None:
        self._preferences[preferences.account_id] = preferences


class MemoryUnreadCounts:
    def __init__(self, count_unread: Callable[[str], int]) -> None:
        self._counts: dict[str, int] = {}
        self._count_unread = count_unread

    def count(self, account_id: str) -> int:
        if account_id not in self._counts:
            self._counts[account_id] = self._count_unread(account_id)
        return self._counts[account_id]

    def forget(self, account_id: str) -> None:
        self._counts.pop(account_id, None)


class MemoryMailer:
    """Raises what is in `failures`, one each time, and takes the mail when there is nothing left."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sent: list[tuple[str, RenderedMail, str]] = []

    def send(self, address: str, mail: RenderedMail, mail_id: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((address, mail, mail_id))


class MemoryLinks:
    """Every link leads to a page with its id, and is Vera's; raises what is in `failures` first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    def facts(self, link_id: str) -> dict[str, str]:
        if self.failures:
            raise self.failures.pop(0)
        return {
            "url": f"http://localhost/page#token=token-of-{link_id}",
            "email": "vera@acme.example",
            "company_name": "Acme",
        }
