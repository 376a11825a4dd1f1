"""Sessions and what continues them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from chassis.ids import is_id
from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of
from identity.schemas.parts import FromAddress


class Refresh(Schema):
    """A refresh token is good once; the answer holds its successor."""

    refresh_token = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=200))


class RefreshCall(Refresh, FromAddress):
    pass


class SessionId(IdField):
    """Of a sign-in, or of an administrator who acts as the account."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("ses", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if is_id("sup", value):
            return str(value)
        return super()._deserialize(value, attr, data, **kwargs)


class RevokeSession(Schema):
    sid = SessionId(required=True)


class ListSessions(PageQuery):
    pass


class RevokedSession(Schema):
    """A session whose access tokens must be refused, and when the last of them is over."""

    sid = IdField("ses", required=True, attribute="id")
    account_id = fields.String(required=True)
    expires_at = UtcDateTime(required=True, attribute="last_token_ends")


RevokedSessionPage = page_of(RevokedSession)


class Impersonation(Schema):
    admin_id = IdField("adm", required=True)
    reason = fields.String(required=True, metadata={"example": "Ticket 4711: a payout that does not arrive"})


class Session(Schema):
    """A sign-in on some device; `current` is the one that asks.

    With `impersonation` an administrator acts as the account; ending the session ends that.
    """

    sid = SessionId(required=True)
    created_at = UtcDateTime(required=True)
    last_used_at = UtcDateTime(required=True)
    expires_at = UtcDateTime(required=True)
    address = fields.String(required=True, allow_none=True, metadata={"example": "203.0.113.7"})
    current = fields.Boolean(required=True)
    impersonation = fields.Nested(Impersonation, required=True, allow_none=True)


SessionPage = page_of(Session)
