"""One-time links."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import IdField, Schema
from identity.schemas.parts import FromAddress, link_token


class VerifyEmail(Schema):
    """`token` stands in the link that was mailed, after the #."""

    token = link_token()


class ResendVerification(FromAddress):
    pass


class MailOnItsWay(Schema):
    """Empty, and the same when there is no such account or when none is sent for now."""


class MailLink(Schema):
    link_id = IdField("lnk", required=True)


class LinkInMail(Schema):
    """The address that a mail leads to."""

    url = fields.String(required=True)
