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
