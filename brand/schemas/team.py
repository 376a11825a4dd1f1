"""The team that acts for a brand."""

from __future__ import annotations

from marshmallow import ValidationError, fields, validate

from brand.schemas.profiles import ONE_LINE
from chassis.ids import is_id
from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of

ROLES = ("owner", "manager", "finance", "approver", "viewer")
STATUSES = ("active", "invited")

# RFC 5321 allows no longer address in a command.
LONGEST_EMAIL = 254
LONGEST_NAME = 120


def email() -> fields.Email:
    return fields.Email(
        required=True,
        validate=[validate.Length(max=LONGEST_EMAIL), ONE_LINE],
        metadata={"example": "finn@acme.example"},
    )


def name() -> fields.String:
    return fields.String(
        required=True,
        validate=[validate.Length(max=LONGEST_NAME), ONE_LINE],
        metadata={"example": "Finn Okafor"},
    )


def role() -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"example": "finance"})


def is_member_id(text: str) -> None:
    """A member's account, or the brand's own, about which the team has something to say."""
    if not (is_id("mem", text) or is_id("brd", text)):
        raise ValidationError("Not a valid mem_ id.")


def member_id() -> fields.String:
    return fields.String(
        required=True,
        validate=is_member_id,
        metadata={"example": "mem_01jd2e7z5pf3rs8w6r8q6v2k1m"},
    )


class InvitePerson(Schema):
    """Whom to invite, and what they may do; an address that was invited before gets a new link."""

    email = email()
    role = role()


class MemberRef(Schema):
    member_id = member_id()


class ChangeRole(MemberRef):
    """What a member may do from now on."""

    role = role()


class OwnInvitationRef(Schema):
    invitation_id = IdField("ivt", required=True)


class ListTeam(PageQuery):
    pass


class Person(Schema):
    """Somebody in the team, or invited to it; the brand's own account is the first.

    `id` is a member's, an invitation's or the account's, `since` when they joined or were invited.
    """

    id = fields.String(required=True, metadata={"example": "mem_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    email = fields.String(required=True, metadata={"example": "finn@acme.example"})
    name = fields.String(required=True, metadata={"example": "Finn Okafor"})
    role = role()
    since = UtcDateTime(required=True)
    expires_at = UtcDateTime(required=True, allow_none=True)


PersonPage = page_of(Person)


class InvitationRef(Schema):
    """For identity: an invitation of some brand's."""

    brand_id = IdField("brd", required=True)
    invitation_id = IdField("ivt", required=True)


class Invitation(Schema):
    """For identity: who is invited, to be what, and by whom."""

    email = email()
    role = role()
    company_name = fields.String(required=True)


class JoinTeam(InvitationRef):
    """For identity: the account that accepts an invitation."""

    member_id = IdField("mem", required=True)
    email = email()
    name = name()


class MembershipsQuery(Schema):
    member_id = IdField("mem", required=True)


class Membership(Schema):
    brand_id = IdField("brd", required=True)
    role = role()


class Memberships(Schema):
    """For identity: the brands that somebody may act for."""

    memberships = fields.List(fields.Nested(Membership), required=True)
