"""Fields and small schemas that several requests and answers share."""

from __future__ import annotations

import ipaddress

from marshmallow import ValidationError, fields, validate

from chassis.schema import IdField, Schema

KINDS = ("brand", "streamer", "admin")
ACCOUNT_KINDS = (*KINDS, "member")
TEAM_ROLES = ("owner", "manager", "finance", "approver", "viewer")


# RFC 5321 allows no longer address in a command.
LONGEST_EMAIL = 254


# The rule about passwords (8 to 128 characters) is the domain's; this only bounds what it has to look at.
LONGEST_PASSWORD_INPUT = 512


LONGEST_LINK_TOKEN = 100


LONGEST_CODE_INPUT = 40


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


def link_token() -> fields.String:
    """Any short text: what is not shaped like a token is no link, and answers as any other that is none."""
    return fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(min=1, max=LONGEST_LINK_TOKEN),
        metadata={"example": "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"},
    )


def password(required: bool = True) -> fields.String:
    return fields.String(
        required=required,
        load_only=True,
        validate=validate.Length(min=1, max=LONGEST_PASSWORD_INPUT),
        metadata={"format": "password", "example": "a lamp in the attic"},
    )


def code(required: bool = False) -> fields.String:
    """Of the app (six digits) or a recovery code; which, and whether it is right, is the domain's to say."""
    return fields.String(
        required=required,
        load_only=True,
        validate=[validate.Length(min=1, max=LONGEST_CODE_INPUT), ONE_LINE],
        metadata={"example": "492039"},
    )


def line(longest: int, example: str) -> fields.String:
    return fields.String(
        required=True, validate=[validate.Length(max=longest), ONE_LINE], metadata={"example": example}
    )


class FromAddress(Schema):
    """The client's address, as far as it is known: failures are counted by it, and sessions show it."""

    address = fields.String(
        load_default=None, allow_none=True, validate=[validate.Length(max=45), is_address]
    )


class Nothing(Schema):
    """A request that says nothing but who sends it."""


class Membership(Schema):
    """For whom a member acts, and as what; what the role may do is in the access token's scopes."""

    brand_id = IdField("brd", required=True)
    role = fields.String(required=True, validate=validate.OneOf(TEAM_ROLES), metadata={"example": "finance"})
