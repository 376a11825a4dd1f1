"""What is proved with a link from a mail: that an address is the account's own."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from gateway.backend import answer, no_content
from gateway.rest import Resource
from identity import schemas

blueprint = Resource(
    "links", __name__, url_prefix="/v1/auth", description="E-mail verification and passwords"
)


@blueprint.route("/verify-email", methods=["POST"])
@blueprint.answers(204)
@blueprint.body(schemas.VerifyEmail, example="link_token")
def verify_email(body: dict[str, Any]) -> Response:
    """Verify an account's e-mail address with the token of the link that was mailed there."""
    return no_content("identity", "verify_email", body)


@blueprint.route("/verify-email/resend", methods=["POST"])
@blueprint.requires()
@blueprint.answers(202, schemas.MailOnItsWay, example="nothing")
def resend_verification() -> Response:
    """Mail the link again, up to three times an hour; whether that happens is not told."""
    return answer("identity", "resend_verification", {"address": request.remote_addr or None}, 202)
