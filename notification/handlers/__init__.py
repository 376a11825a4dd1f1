"""The use cases of notification, by what they are about."""

from notification.handlers.notifications import (
    REGISTRATIONS,
    Setting,
    count_unread,
    forget_unread,
    get_preferences,
    list_inbox,
    mark_read,
    notify,
    register,
    send_mails,
    set_preferences,
)

__all__ = [
    "REGISTRATIONS",
    "Setting",
    "count_unread",
    "forget_unread",
    "get_preferences",
    "list_inbox",
    "mark_read",
    "notify",
    "register",
    "send_mails",
    "set_preferences",
]
