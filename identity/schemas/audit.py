"""The audit log, as administrators and as the owners of accounts see it."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of
from identity.schemas.permissions import name


class ListAudit(PageQuery):
    account_id = name("brd_01jd2e7z5pf3rs8w6r8q6v2k1m")


class ListSecurityEvents(PageQuery):
    pass


class SecurityEvent(Schema):
    """`actor` is who did it: null when nobody had proved who they are, `service:<name>` for a service."""

    id = IdField("aud", required=True, attribute="entry.id")
    at = UtcDateTime(required=True, attribute="entry.at")
    kind = fields.String(required=True, attribute="entry.kind", metadata={"example": "logged_in"})
    actor = fields.String(required=True, allow_none=True, attribute="entry.actor")
    details = fields.Dict(
        keys=fields.String(),
        required=True,
        attribute="entry.details",
        metadata={"example": {"acr": "mfa", "address": "203.0.113.7"}},
    )


class AuditEntry(SecurityEvent):
    """`hash` covers the entry and the hash of the one before it; `seq` counts all entries of the log."""

    seq = fields.Integer(required=True, metadata={"example": 4711})
    account = fields.String(required=True, attribute="entry.account")
    acting_for = fields.String(required=True, allow_none=True, attribute="entry.acting_for")
    request_id = fields.String(required=True, allow_none=True, attribute="entry.request_id")
    hash = fields.String(required=True)


AuditPage = page_of(AuditEntry)
SecurityEventPage = page_of(SecurityEvent)
