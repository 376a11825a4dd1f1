"""What notification keeps in MongoDB and Redis."""

from notification.storage.notifications import (
    MongoMailQueue,
    MongoNotifications,
    MongoPreferences,
    MongoRecipients,
    RedisUnreadCounts,
)

__all__ = [
    "MongoMailQueue",
    "MongoNotifications",
    "MongoPreferences",
    "MongoRecipients",
    "RedisUnreadCounts",
]
