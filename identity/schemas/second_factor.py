"""Authenticator apps, recovery codes, and authenticating again."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from chassis.schema import Schema, UtcDateTime
from identity.schemas.accounts import SignedIn
from identity.schemas.parts import code, password


class Totp(Schema):
    """Whether the account signs in with an authenticator app, too."""

    enabled = fields.Boolean(required=True)
    confirmed_at = UtcDateTime(required=True, allow_none=True)
    recovery_codes_left = fields.Integer(required=True, metadata={"example": 10})


class Enrolment(Schema):
    """`otpauth_uri` is what the QR code holds, `secret` what is typed in without one; told this once."""

    secret = fields.String(required=True)
    otpauth_uri = fields.String(required=True)
    qr_svg = fields.String(required=True, metadata={"description": "The QR code, an SVG document."})


class ConfirmTotp(Schema):
    code = code(required=True)


class RecoveryCodes(Schema):
    """Each is good once, in place of a code of the app; only their hashes are kept."""

    recovery_codes = fields.List(
        fields.String(), required=True, metadata={"example": ["k3jq7-m2xwa", "b5rtn-4cyf2"]}
    )


class ConfirmedTotp(RecoveryCodes):
    """`session` holds new tokens of the same session, which show the second factor."""

    session = fields.Nested(SignedIn, required=True, attribute="signed_in")


class StepUp(Schema):
    """`code` for an account with an authenticator app, else `password`."""

    password = password(required=False)
    code = code()

    @validates_schema
    def check_something_is_shown(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("password") is None and data.get("code") is None:
            raise ValidationError("Send a password, a code, or both.", "code")
