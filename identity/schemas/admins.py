"""Admins and their way in."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import IdField, Schema
from identity.schemas.parts import email


class CreateAdmin(Schema):
    email = email()


class Invited(Schema):
    """A new admin's way in; the password is good once, for 24 hours."""

    account_id = IdField("adm", required=True)
    email = email()
    one_time_password = fields.String(required=True)
