"""Identity's published language.

`RegisterBrand`, `RegisterStreamer`, `Login` and `Refresh` are what a client sends over HTTP. Their
`…Call` siblings are what the gateway sends on: the same, with what only the gateway knows.
"""

from __future__ import annotations

import ipaddress

from marshmallow import ValidationError, fields, validate

from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of

KINDS = ("brand", "streamer", "admin")

# RFC 5321 allows no longer address in a command.
LONGEST_EMAIL = 254

# The rule about passwords (8 to 128 characters) is the domain's; this only bounds what it has to look at.
LONGEST_PASSWORD_INPUT = 512

ONE_LINE = validate.Regexp(r"\A(?=.*\S)[^\x00-\x1f\x7f]+\Z", error="Must be one line of text.")


def is_address(text: str) -> None:
    """A scope (`fe80::1%eth0`) means something on one machine only, and is refused."""
    try:
        ipaddress.ip_address(text.replace("%", "?"))
    except ValueError:
        raise ValidationError("Not a valid IP address.") from None


def email() -> fields.Email:
    return fields.Email(
        required=True,
        validate=[validate.Length(max=LONGEST_EMAIL), ONE_LINE],
        metadata={"example": "ads@acme.example"},
    )


def password() -> fields.String:
    return fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(min=1, max=LONGEST_PASSWORD_INPUT),
        metadata={"format": "password", "example": "a lamp in the attic"},
    )


def line(longest: int, example: str) -> fields.String:
    return fields.String(
        required=True, validate=[validate.Length(max=longest), ONE_LINE], metadata={"example": example}
    )


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
    """The kind of account is in the path."""

    email = email()
    password = password()


class Refresh(Schema):
    """A refresh token is good once; the answer holds its successor."""

    refresh_token = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=200))


class FromAddress(Schema):
    """The client's address, as far as it is known: failures are counted by it, and sessions show it."""

    address = fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(max=45), is_address]
    )


class RegisterBrandCall(RegisterBrand, FromAddress):
    pass


class RegisterStreamerCall(RegisterStreamer, FromAddress):
    pass


class LoginCall(Login, FromAddress):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))


class RefreshCall(Refresh, FromAddress):
    pass


class Nothing(Schema):
    """A request that says nothing but who sends it."""


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


class CreateAdmin(Schema):
    email = email()


class Account(Schema):
    """Who can sign in; the profile is another service's."""

    id = fields.String(required=True, metadata={"example": "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    email = email()
    created_at = UtcDateTime(required=True)


class SignedIn(Schema):
    """What a client acts with. The access token lives for `expires_in` seconds."""

    account = fields.Nested(Account, required=True)
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"example": 900})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})


class Session(Schema):
    """A sign-in on some device; `current` is the one that asks."""

    sid = IdField("ses", required=True)
    created_at = UtcDateTime(required=True)
    last_used_at = UtcDateTime(required=True)
    expires_at = UtcDateTime(required=True)
    address = fields.String(required=True, allow_none=True, metadata={"example": "203.0.113.7"})
    current = fields.Boolean(required=True)


SessionPage = page_of(Session)


class Invited(Schema):
    """A new admin's way in; the password is good once, for 24 hours."""

    account_id = IdField("adm", required=True)
    email = email()
    one_time_password = fields.String(required=True)


class Key(Schema):
    """A public key as a JSON Web Key (RFC 8037)."""

    kty = fields.String(required=True, metadata={"example": "OKP"})
    crv = fields.String(required=True, metadata={"example": "Ed25519"})
    x = fields.String(required=True)
    kid = fields.String(required=True)
    use = fields.String(required=True, metadata={"example": "sig"})
    alg = fields.String(required=True, metadata={"example": "EdDSA"})


class KeySet(Schema):
    """The JSON Web Key Set that access tokens are verified with."""

    keys = fields.List(fields.Nested(Key), required=True)
