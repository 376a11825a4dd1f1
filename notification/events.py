"""What notification tells the others."""

from dataclasses import dataclass
from typing import ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class NotificationCreated(Event):
    """An item is in somebody's inbox, or on its way to them by e-mail."""

    type: ClassVar[str] = "notification_created"
    aggregate: ClassVar[str] = "notification_id"
    notification_id: str
    account_id: str
    kind: str
    title: str


@dataclass(frozen=True, kw_only=True)
class NotificationRead(Event):
    """Its recipient has read it."""

    type: ClassVar[str] = "notification_read"
    aggregate: ClassVar[str] = "notification_id"
    notification_id: str
    account_id: str


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointEvent(Event):
    """What every event about an endpoint carries. Its URL may hold a password, and is told to nobody."""

    aggregate: ClassVar[str] = "endpoint_id"
    endpoint_id: str
    brand_id: str


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointCreated(WebhookEndpointEvent):
    """A brand wants its server to be told what happens."""

    type: ClassVar[str] = "webhook_endpoint_created"


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointChanged(WebhookEndpointEvent):
    """The fields named in `changed` have new values."""

    type: ClassVar[str] = "webhook_endpoint_changed"
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class WebhookSecretRotated(WebhookEndpointEvent):
    """Another secret signs; the one of before does for a while, too."""

    type: ClassVar[str] = "webhook_secret_rotated"


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointDisabled(WebhookEndpointEvent):
    """Nothing is sent to it any more: it said that it is gone (`gone`), or failed for days (`failing`)."""

    type: ClassVar[str] = "webhook_endpoint_disabled"
    description: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WebhookEndpointDeleted(WebhookEndpointEvent):
    """The brand has taken it away."""

    type: ClassVar[str] = "webhook_endpoint_deleted"
