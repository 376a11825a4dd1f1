"""What identity keeps in MongoDB; secrets are encrypted before they get there."""

from identity.storage.accounts import MongoAccounts
from identity.storage.audit import AuditedOutbox, MongoAuditLog
from identity.storage.authenticators import MongoAuthenticators
from identity.storage.failures import MongoFailureLog
from identity.storage.keys import MongoSigningKeys
from identity.storage.links import MongoAllowances, MongoLinks, MongoResetRequests
from identity.storage.provider_links import MongoFlows, MongoProviderLinks
from identity.storage.sessions import MongoSessions

__all__ = [
    "AuditedOutbox",
    "MongoAccounts",
    "MongoAllowances",
    "MongoAuditLog",
    "MongoAuthenticators",
    "MongoFailureLog",
    "MongoFlows",
    "MongoLinks",
    "MongoProviderLinks",
    "MongoResetRequests",
    "MongoSessions",
    "MongoSigningKeys",
]
