"""Accounts, their registration and the way in."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Schema, UtcDateTime
from identity.schemas.parts import ACCOUNT_KINDS, KINDS, FromAddress, Membership, code, email, line, password


class ContactPerson(Schema):
    """Whom to talk to at the brand."""

    name = line(120, "Wile E.")
    position = line(120, "Head of Testing")
    phone = line(40, "+1 555 0100")


class RegisterBrand(Schema):
    """A new brand account, and the first facts of its profile."""

    email = email()
    password = password()
    company_name = line(120, "ACME Rockets")
    industry = line(80, "toys")
    contact_person = fields.Nested(ContactPerson, required=True)


class RegisterStreamer(Schema):
    """A new streamer account, and the first fact of its profile."""

    email = email()
    password = password()
    display_name = line(80, "Nova")


class Login(Schema):
    """The kind of account is in the path. `code` is for accounts with an authenticator app."""

    email = email()
    password = password()
    code = code()


class RegisterBrandCall(RegisterBrand, FromAddress):
    pass


class RegisterStreamerCall(RegisterStreamer, FromAddress):
    pass


class LoginCall(Login, FromAddress):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))


class Account(Schema):
    """Who can sign in; the profile is another service's."""

    id = fields.String(required=True, metadata={"example": "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    kind = fields.String(required=True, validate=validate.OneOf(ACCOUNT_KINDS))
    email = email()
    email_verified = fields.Boolean(required=True, metadata={"example": True})
    created_at = UtcDateTime(required=True)


class SignedIn(Schema):
    """What a client acts with. The access token lives for `expires_in` seconds.

    `membership` is that of a member of a team; other accounts act for nobody else.
    """

    account = fields.Nested(Account, required=True)
    membership = fields.Nested(Membership, required=True, allow_none=True)
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"example": 900})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
