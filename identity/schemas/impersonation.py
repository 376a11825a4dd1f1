"""Acting as an account."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import IdField, Schema
from identity.schemas.accounts import Account
from identity.schemas.parts import line


class Impersonate(Schema):
    """The owner of the account is told at once, and reads the reason."""

    account_id = line(64, "str_01jd2e7z5pf3rs8w6r8q6v2k1n")
    reason = line(200, "Ticket 4711: a payout that does not arrive")


class Impersonating(Schema):
    """The token lives for `expires_in` seconds and cannot be refreshed; log out with it to end sooner."""

    account = fields.Nested(Account, required=True)
    sid = IdField("sup", required=True)
    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"example": 600})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
