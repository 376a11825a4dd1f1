"""Sessions and what continues them."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of
from identity.schemas.parts import FromAddress


class Refresh(Schema):
    """A refresh token is good once; the answer holds its successor."""

    refresh_token = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=200))


class RefreshCall(Refresh, FromAddress):
    pass


class RevokeSession(Schema):
    sid = IdField("ses", required=True)


class ListSessions(PageQuery):
    pass


class RevokedSession(Schema):
    """A session whose access tokens must be refused, and when the last of them is over."""

    sid = IdField("ses", required=True, attribute="id")
    account_id = fields.String(required=True)
    expires_at = UtcDateTime(required=True, attribute="last_token_ends")


RevokedSessionPage = page_of(RevokedSession)


class Session(Schema):
    """A sign-in on some device; `current` is the one that asks."""

    sid = IdField("ses", required=True)
    created_at = UtcDateTime(required=True)
    last_used_at = UtcDateTime(required=True)
    expires_at = UtcDateTime(required=True)
    address = fields.String(required=True, allow_none=True, metadata={"example": "203.0.113.7"})
    current = fields.Boolean(required=True)


SessionPage = page_of(Session)
