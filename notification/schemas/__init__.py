"""Notification's published language."""

from notification.schemas.notifications import (
    ListNotifications,
    MarkRead,
    Nothing,
    Notification,
    NotificationPage,
    Preferences,
    SetPreferences,
    Unread,
)

__all__ = [
    "ListNotifications",
    "MarkRead",
    "Nothing",
    "Notification",
    "NotificationPage",
    "Preferences",
    "SetPreferences",
    "Unread",
]
