"""Endpoints of brands and what is sent to them, signed after Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

An endpoint is in use until its owner, a 410 or days of failures disable it. A message is
pending → delivered | parked, and parked → pending when it is replayed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chassis.errors import Conflict, NotFound, ValidationFailed
from chassis.event import Event
from chassis.times import rfc3339
from notification.domain.topics import NAMES
from notification.events import (
    WebhookEndpointChanged,
    WebhookEndpointCreated,
    WebhookEndpointDeleted,
    WebhookEndpointDisabled,
    WebhookSecretRotated,
)

SCOPE = "webhooks:manage"

# Each event is sent once per endpoint; a brand has a few systems, not dozens.
MOST_ENDPOINTS = 10

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification asks for 24 to 64."""

OVERLAP = timedelta(hours=24)
"""How long the secret of before a rotation still signs: a day to bring the new one to every server."""

KEPT = timedelta(days=30)
"""How long a message can be looked at and replayed."""

# An attempt log is for somebody who looks for a mistake, and the last ones tell.
MOST_ATTEMPTS_SHOWN = 20

# A server may ask for patience, and not for more than the message has.
LONGEST_RETRY_AFTER = timedelta(hours=1)

PENDING, DELIVERED, PARKED = "pending", "delivered", "parked"
BY_OWNER, GONE, FAILING = "owner", "gone", "failing"
HTTP_GONE = 410


class EndpointNotFound(NotFound):
    code, title = "notification.webhook_endpoint_not_found", "No such webhook endpoint"


class DeliveryNotFound(NotFound):
    code, title = "notification.webhook_delivery_not_found", "No such delivery"


class TooManyEndpoints(Conflict):
    code, title = "notification.too_many_webhook_endpoints", "There are too many webhook endpoints"


class EndpointIsDisabled(Conflict):
    code, title = "notification.webhook_endpoint_disabled", "The webhook endpoint is disabled"


class NotParked(Conflict):
    code, title = "notification.webhook_not_parked", "Only a parked delivery can be replayed"


class UnknownTopic(ValidationFailed):
    code, title = "notification.unknown_webhook_event", "There is no such webhook event"


class ConcurrentUpdate(Conflict):
    code, title = "notification.concurrent_update", "Somebody else changed this at the same time"


@dataclass(frozen=True, slots=True)
class Policy:
    """`delays` are the pauses between attempts; an endpoint may fail for as long as `patience`.

    `lease` is how long a message belongs to whoever has taken it.
    """

    delays: tuple[timedelta, ...]
    patience: timedelta
    lease: timedelta
    allow_local: bool = False


@dataclass(slots=True)
class Endpoint:
    """`topics` are the events that its owner chose; none means all, those of the future too."""

    id: str
    brand_id: str
    url: str
    description: str
    topics: tuple[str, ...]
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime
    enabled: bool = True
    disabled_reason: str | None = None
    former_secret: str = field(default="", repr=False)
    former_until: datetime | None = None
    failing_since: datetime | None = None
    version: int = 0

    def created(self) -> list[Event]:
        return [WebhookEndpointCreated(endpoint_id=self.id, brand_id=self.brand_id)]

    def deleted(self) -> list[Event]:
        return [WebhookEndpointDeleted(endpoint_id=self.id, brand_id=self.brand_id)]

    def change(self, now: datetime, **values: Any) -> list[Event]:
        """`url`, `description`, `topics` and `enabled`, as far as they are named and differ."""
        changed = sorted(name for name, value in values.items() if getattr(self, name) != value)
        for name in changed:
            setattr(self, name, values[name])
        if "enabled" in changed:
            self.disabled_reason = None if self.enabled else BY_OWNER
        if self.enabled and {"enabled", "url"} & set(changed):
            # What failed was another server, or the same one before it was mended.
            self.failing_since = None
        if not changed:
            return []
        self.updated_at = now
        return [WebhookEndpointChanged(endpoint_id=self.id, brand_id=self.brand_id, changed=changed)]

    def rotate(self, secret: str, now: datetime) -> list[Event]:
        """The present secret signs beside the new one for a while; one from before that ends now."""
        self.former_secret, self.former_until = self.secret, now + OVERLAP
        self.secret, self.updated_at = secret, now
        return [WebhookSecretRotated(endpoint_id=self.id, brand_id=self.brand_id)]

    def former_secret_ends(self, now: datetime) -> datetime | None:
        return self.former_until if self.former_until is not None and now < self.former_until else None

    def headers_for(self, message: Message, now: datetime) -> dict[str, str]:
        secrets = [self.secret] + ([self.former_secret] if self.former_secret_ends(now) else [])
        timestamp = int(now.timestamp())
        signatures = [signature(secret, message.id, timestamp, message.body) for secret in secrets]
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }

    def note(self, attempt: Attempt, patience: timedelta) -> list[Event]:
        """What an attempt says about the endpoint itself."""
        if attempt.succeeded:
            self.failing_since = None
            return []
        if not self.enabled:
            return []
        if attempt.status == HTTP_GONE:
            return self._disable(GONE, attempt.at)
        self.failing_since = self.failing_since or attempt.at
        if attempt.at - self.failing_since >= patience:
            return self._disable(FAILING, attempt.at)
        return []

    def _disable(self, reason: str, at: datetime) -> list[Event]:
        self.enabled, self.disabled_reason, self.updated_at = False, reason, at
        return [
            WebhookEndpointDisabled(
                endpoint_id=self.id, brand_id=self.brand_id, description=self.description, reason=reason
            )
        ]

    def must_be_enabled(self) -> None:
        if not self.enabled:
            raise EndpointIsDisabled("Enable it first.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: `status` is the answer's; without one `failure` says why there was none."""

    at: datetime
    status: int | None
    failure: str | None
    duration_ms: int
    retry_after: int | None = None

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class Message:
    """One event for one endpoint; its id is the `webhook-id` of every attempt.

    The body is stored as the text that is signed. It is due at `next_attempt_at`, and whoever takes it moves
    that to the end of a lease. `tries` counts since it was made or replayed.
    """

    id: str
    endpoint_id: str
    topic: str
    body: str
    source_event: str
    created_at: datetime
    next_attempt_at: datetime
    status: str = PENDING
    tries: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    delivered_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        return self.next_attempt_at if self.status == PENDING else None

    def record(self, attempt: Attempt, delays: Sequence[timedelta], jitter: float) -> None:
        """Delivered, or due again after the next delay (times `jitter`), or parked when none is left."""
        self.attempts = [*self.attempts, attempt][-MOST_ATTEMPTS_SHOWN:]
        self.tries += 1
        if attempt.succeeded:
            self.status, self.delivered_at = DELIVERED, attempt.at
        elif attempt.status == HTTP_GONE or self.tries > len(delays):
            self.status = PARKED
        else:
            asked = min(timedelta(seconds=attempt.retry_after or 0), LONGEST_RETRY_AFTER)
            self.next_attempt_at = attempt.at + max(delays[self.tries - 1] * jitter, asked)

    def park(self) -> None:
        self.status = PARKED


def check_topics(topics: Sequence[str]) -> tuple[str, ...]:
    """Each of them once, in an order of ours."""
    unknown = sorted(set(topics) - set(NAMES))
    if unknown:
        raise UnknownTopic(unknown[0], {"events": [f"There is no event {unknown[0]}."]})
    return tuple(name for name in NAMES if name in topics)


def body_of(topic: str, at: datetime, data: dict[str, Any]) -> str:
    payload = {"type": topic, "timestamp": rfc3339(at), "data": data}
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def secret_of(random_bytes: bytes) -> str:
    return SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """HMAC-SHA256 over id, time of the attempt and body, as the receiver finds it in `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.new(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"
