"""The inbox, its preferences and its live stream."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from gateway import live
from gateway.backend import answer, read
from gateway.feed import account_topic, session_topic
from gateway.rest import Resource
from gateway.state import state
from notification import schemas

blueprint = Resource("notification", __name__, url_prefix="/v1/notifications", description="The inbox")


@blueprint.route("")
@blueprint.requires("notifications:read")
@blueprint.answers(200, schemas.NotificationPage, example="notifications")
@blueprint.query(schemas.ListNotifications)
def list_notifications(query: dict[str, Any]) -> Response:
    """The caller's notifications, newest first."""
    return read("notification", "list", query)


@blueprint.route("/<id:notification_id>/read", methods=["POST"])
@blueprint.requires("notifications:read")
@blueprint.answers(200, schemas.Notification, example="notification")
def mark_read(notification_id: str) -> Response:
    """Mark a notification as read."""
    return answer("notification", "mark_read", {"notification_id": notification_id})


@blueprint.route("/preferences")
@blueprint.requires("notifications:read")
@blueprint.answers(200, schemas.Preferences, example="preferences")
def get_preferences() -> Response:
    """Which notifications the caller gets, and how."""
    return read("notification", "get_preferences")


@blueprint.route("/preferences", methods=["PUT"])
@blueprint.requires("notifications:write")
@blueprint.answers(200, schemas.Preferences, example="preferences")
@blueprint.body(schemas.SetPreferences, example="set_preferences")
def set_preferences(body: dict[str, Any]) -> Response:
    """Choose; what concerns security and money cannot be turned off."""
    return answer("notification", "set_preferences", body)


@blueprint.route("/live")
@blueprint.requires("notifications:read")
@blueprint.answers(200, content_type="text/event-stream")
def follow_notifications() -> Response:
    """New notifications as server-sent events named `notification`; read the inbox for their text."""
    settings = state().settings
    principal = g.principal
    subscription = state().hub.subscribe(account_topic(principal.id), session_topic(principal.session_id))
    chunks = live.follow(
        subscription, heartbeat=settings.heartbeat_seconds, lifetime=settings.live_stream_seconds
    )
    return live.respond(subscription, chunks)
