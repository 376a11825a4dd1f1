"""A provider's webhook, kept from the moment its signature was verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from payment.domain.provider import ProviderEvent, next_check

# What a webhook is about may be committed a moment after it came; a day later it never will be.
GIVE_UP_AFTER = timedelta(hours=24)


class WebhookStatus(StrEnum):
    WAITING = "waiting"
    APPLIED = "applied"
    IGNORED = "ignored"
    CONFLICT = "conflict"


@dataclass
class Webhook:
    """`note` says why it was ignored, or what it contradicts."""

    provider: str
    event: ProviderEvent
    received_at: datetime
    next_attempt_at: datetime
    status: WebhookStatus = WebhookStatus.WAITING
    attempts: int = 0
    note: str | None = None

    @classmethod
    def arrived(cls, provider: str, event: ProviderEvent, at: datetime) -> Webhook:
        webhook = cls(provider, event, received_at=at, next_attempt_at=at)
        if event.objection is not None:
            webhook.contradicts(event.objection)
        return webhook

    @property
    def is_waiting(self) -> bool:
        return self.status == WebhookStatus.WAITING

    def applied(self) -> None:
        self.status = WebhookStatus.APPLIED

    def ignore(self, note: str) -> None:
        self.status, self.note = WebhookStatus.IGNORED, note

    def contradicts(self, note: str) -> None:
        self.status, self.note = WebhookStatus.CONFLICT, note

    def wait(self, at: datetime) -> None:
        """What it is about is not known yet: try again later, but not for ever."""
        self.attempts += 1
        self.next_attempt_at = next_check(at, self.attempts)
        if at - self.received_at > GIVE_UP_AFTER:
            self.ignore("nothing that it refers to appeared within a day")
