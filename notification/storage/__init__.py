"""What notification keeps in MongoDB and Redis."""

from notification.storage.notifications import (
    MongoMailQueue,
    MongoNotifications,
    MongoPreferences,
    MongoRecipients,
    RedisUnreadCounts,
)
from notification.storage.webhooks import MongoWebhookEndpoints, MongoWebhookMessages

__all__ = [
    "MongoMailQueue",
    "MongoNotifications",
    "MongoPreferences",
    "MongoRecipients",
    "MongoWebhookEndpoints",
    "MongoWebhookMessages",
    "RedisUnreadCounts",
]
