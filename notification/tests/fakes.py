"""Notification's stores in memory, and a mail server that remembers or fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from datetime import datetime

from chassis.event import Event
from notification.domain.notifications import IN_APP, Mail, Notification, Preferences, Recipient, RenderedMail
from notification.domain.webhooks import (
    MOST_ENDPOINTS,
    PARKED,
    PENDING,
    Attempt,
    ConcurrentUpdate,
    Endpoint,
    Message,
    TooManyEndpoints,
)


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


class MemoryWebhookEndpoints:
    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self.events: list[Event] = []

    def add(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        if len(self.of_brand(endpoint.brand_id, None, MOST_ENDPOINTS)) >= MOST_ENDPOINTS:
            raise TooManyEndpoints()
        endpoint.version = 1
        self._store(endpoint, events)

    def _store(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        self._endpoints[endpoint.id] = deepcopy(endpoint)
        self.events.extend(events)

    def get(self, endpoint_id: str) -> Endpoint | None:
        return deepcopy(self._endpoints.get(endpoint_id))

    def save(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        self._must_be_current(endpoint)
        endpoint.version += 1
        self._store(endpoint, events)

    def delete(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        self._must_be_current(endpoint)
        del self._endpoints[endpoint.id]
        self.events.extend(events)

    def _must_be_current(self, endpoint: Endpoint) -> None:
        stored = self._endpoints.get(endpoint.id)
        if stored is None or stored.version != endpoint.version:
            raise ConcurrentUpdate()

    def of_brand(self, brand_id: str, after: str | None, limit: int) -> list[Endpoint]:
        mine = [one for one in self._endpoints.values() if one.brand_id == brand_id]
        below = [one for one in mine if after is None or one.id < after]
        return deepcopy(sorted(below, key=lambda one: one.id, reverse=True)[:limit])

    def subscribers(self, brand_id: str, topic: str) -> list[str]:
        return [
            one.id
            for one in self._endpoints.values()
            if one.brand_id == brand_id and one.enabled and (not one.topics or topic in one.topics)
        ]


class MemoryWebhookMessages:
    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._leases: dict[str, str] = {}
        self._tokens = 0

    def add(self, message: Message) -> None:
        same = (message.endpoint_id, message.source_event)
        if same not in {(one.endpoint_id, one.source_event) for one in self._messages.values()}:
            self._messages[message.id] = deepcopy(message)

    def get(self, endpoint_id: str, message_id: str) -> Message | None:
        found = self._messages.get(message_id)
        return deepcopy(found) if found and found.endpoint_id == endpoint_id else None

    def of_endpoint(
        self, endpoint_id: str, status: str | None, after: str | None, limit: int
    ) -> list[Message]:
        found = [
            one
            for one in self._messages.values()
            if one.endpoint_id == endpoint_id
            and status in (None, one.status)
            and (after is None or one.id < after)
        ]
        return deepcopy(sorted(found, key=lambda one: one.id, reverse=True)[:limit])

    def replay(self, endpoint_id: str, message_id: str | None, now: datetime) -> int:
        parked = [
            one
            for one in self._messages.values()
            if one.endpoint_id == endpoint_id and one.status == PARKED and message_id in (None, one.id)
        ]
        for one in parked:
            one.status, one.tries, one.next_attempt_at = PENDING, 0, now
        return len(parked)

    def lease(
        self, now: datetime, until: datetime, *, of: str | None = None, except_of: Collection[str] = ()
    ) -> tuple[Message, str] | None:
        due = [
            one
            for one in self._messages.values()
            if one.status == PENDING
            and one.next_attempt_at <= now
            and of in (None, one.endpoint_id)
            and one.endpoint_id not in except_of
        ]
        if not due:
            return None
        first = min(due, key=lambda one: one.next_attempt_at)
        self._tokens += 1
        taken, token = deepcopy(first), f"lease_{self._tokens}"
        first.next_attempt_at, self._leases[first.id] = until, token
        return taken, token

    def save(self, message: Message, token: str) -> None:
        if self._leases.get(message.id) == token:
            del self._leases[message.id]
            self._messages[message.id] = deepcopy(message)

    def drop(self, message: Message, token: str) -> None:
        if self._leases.get(message.id) == token:
            del self._messages[message.id]


class MemoryPoster:
    """Answers what is in `answers`, one each time (a status, or a failure in words), and 204 from then on."""

    def __init__(self, *answers: int | str, retry_after: int | None = None) -> None:
        self.answers = list(answers)
        self.posted: list[tuple[str, dict[str, str], bytes]] = []
        self._retry_after = retry_after

    def post(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Attempt:
        self.posted.append((url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, str):
            return Attempt(at, None, answer, 12)
        return Attempt(at, answer, None, 12, self._retry_after)
