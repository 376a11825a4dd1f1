"""One-time links."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, Schema
from identity.schemas.parts import FromAddress, email, link_token, password

# An administrator gets a new one-time password from an operator: a mailbox is not enough for all that money.
RESETTABLE_KINDS = ("brand", "streamer", "member")


class VerifyEmail(Schema):
    """`token` stands in the link that was mailed, after the #."""

    token = link_token()


class ResendVerification(FromAddress):
    pass


class ForgotPassword(Schema):
    """The account whose password is to be reset by mail; an administrator's is not."""

    email = email()
    kind = fields.String(
        required=True, validate=validate.OneOf(RESETTABLE_KINDS), metadata={"example": "brand"}
    )


class ForgotPasswordCall(ForgotPassword, FromAddress):
    pass


class ResetPassword(Schema):
    """`token` stands in the link that was mailed, after the #."""

    token = link_token()
    new_password = password()


class ChangePassword(Schema):
    """The other sessions of the account end."""

    current_password = password()
    new_password = password()


class MailOnItsWay(Schema):
    """Empty, and the same when there is no such account or when none is sent for now."""


class MailLink(Schema):
    link_id = IdField("lnk", required=True)


class LinkInMail(Schema):
    """The address that a mail leads to; and of an invitation, to whom and from whom it goes."""

    url = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    company_name = fields.String(required=True, allow_none=True)
