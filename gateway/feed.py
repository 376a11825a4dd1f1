"""What the gateway listens to on the broker, and whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chassis.event import ReceivedEvent
from chassis.times import parse_rfc3339
from gateway.live import Hub, Message
from gateway.sessions import RevokedSessions

LISTENS_TO = [
    ("identity", "session_revoked"),
    ("participation", "manifest_changed"),
    ("participation", "overlay_link_replaced"),
    ("participation", "overlay_test_requested"),
    ("notification", "notification_created"),
]


class Feed:
    """Best effort: a browser that was not connected asks again for what it shows when it comes back."""

    def __init__(self, hub: Hub, revoked: RevokedSessions) -> None:
        self._hub = hub
        self._revoked = revoked
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "session_revoked": self.session_revoked,
            "manifest_changed": self._manifest_changed,
            "overlay_link_replaced": self._overlay_link_replaced,
            "overlay_test_requested": self._overlay_test_requested,
            "notification_created": self._notification_created,
        }

    def receive(self, event: ReceivedEvent) -> None:
        self._handlers[event.type](event.data)

    def session_revoked(self, data: dict[str, Any]) -> None:
        self._revoked.add(data["sid"], as_time(data["expires_at"]))
        self._hub.end(session_topic(data["sid"]))

    def _manifest_changed(self, data: dict[str, Any]) -> None:
        message = Message("manifest_changed", {"reason": data.get("reason", "")})
        self._hub.publish(overlay_topic(data["channel"]), message)

    def _overlay_link_replaced(self, data: dict[str, Any]) -> None:
        self._hub.publish(overlay_topic(data["channel"]), Message("revoked", {}))

    def _overlay_test_requested(self, data: dict[str, Any]) -> None:
        self._hub.publish(overlay_topic(data["channel"]), Message("show_test", {}))

    def _notification_created(self, data: dict[str, Any]) -> None:
        message = Message(
            "notification",
            {name: data[name] for name in ("notification_id", "kind", "title") if name in data},
        )
        self._hub.publish(account_topic(data["account_id"]), message)


def session_topic(session_id: str) -> str:
    return f"session:{session_id}"


def account_topic(account_id: str) -> str:
    return f"account:{account_id}"


def overlay_topic(channel: str) -> str:
    return f"overlay:{channel}"


def as_time(value: str | int) -> datetime:
    """RFC 3339, or the epoch seconds that tokens speak in."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else parse_rfc3339(value)
