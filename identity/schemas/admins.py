"""Admins and their way in."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, Schema, UtcDateTime
from identity.schemas.parts import email, link_token, password


class CreateAdmin(Schema):
    email = email()


class Invited(Schema):
    """A new admin's way in; the password is good once, for 24 hours."""

    account_id = IdField("adm", required=True)
    email = email()
    one_time_password = fields.String(required=True)


class InviteAdmin(Schema):
    """A link is mailed there; whoever opens it within a day becomes an administrator."""

    email = email()


class InvitedAdmin(Schema):
    account_id = IdField("adm", required=True)
    email = email()
    expires_at = UtcDateTime(required=True)


class ResetSecondFactor(Schema):
    """Whose authenticator app and recovery codes are to go."""

    kind = fields.String(required=True, validate=validate.OneOf(["admin", "brand", "member", "streamer"]))
    email = email()


class ResetAccount(Schema):
    account_id = fields.String(required=True)


class AcceptAdminInvitation(Schema):
    """`token` stands in the link that was mailed, after the #."""

    token = link_token()
    new_password = password()
