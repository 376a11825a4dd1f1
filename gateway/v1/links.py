"""Links from mails, which verify an address or set a forgotten password, and the change of a known one."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer, no_content
from gateway.rest import Resource
from gateway.v1.identity import with_address
from identity import schemas

blueprint = Resource(
    "links", __name__, url_prefix="/v1/auth", description="E-mail verification and passwords"
)


@blueprint.route("/verify-email", methods=["POST"])
@blueprint.refuses(410)
@blueprint.answers(204)
@blueprint.body(schemas.VerifyEmail, example="link_token")
def verify_email(body: dict[str, Any]) -> Response:
    """Verify an account's e-mail address with the token of the link that was mailed there."""
    return no_content("identity", "verify_email", body)


@blueprint.route("/verify-email/resend", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(202, schemas.MailOnItsWay, example="nothing")
def resend_verification() -> Response:
    """Mail the link again, up to three times an hour; whether that happens is not told."""
    return answer("identity", "resend_verification", with_address({}), 202)


@blueprint.route("/password/forgot", methods=["POST"])
@blueprint.answers(202, schemas.MailOnItsWay, example="nothing")
@blueprint.body(schemas.ForgotPassword, example="forgot_password")
def forgot_password(body: dict[str, Any]) -> Response:
    """Mail a link that sets a new password; the answer is the same when there is no such account."""
    return answer("identity", "forgot_password", with_address(body), 202)


@blueprint.route("/password/reset", methods=["POST"])
@blueprint.refuses(410)
@blueprint.answers(204)
@blueprint.body(schemas.ResetPassword, example="reset_password")
def reset_password(body: dict[str, Any]) -> Response:
    """Set a new password with the token of the link; every session and API key of the account ends."""
    return no_content("identity", "reset_password", body)


@blueprint.route("/password", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(204)
@blueprint.body(schemas.ChangePassword, example="change_password")
def change_password(body: dict[str, Any]) -> Response:
    """Set a new password with the current one; the other sessions of the account end."""
    return no_content("identity", "change_password", body)
