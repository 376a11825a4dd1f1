"""Authenticator apps and recovery codes, and authenticating again."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer, no_content
from gateway.rest import Resource
from identity import schemas

blueprint = Resource(
    "second_factor", __name__, url_prefix="/v1/auth", description="Authenticator apps and step-up"
)


@blueprint.route("/step-up", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403, 404)
@blueprint.answers(200, schemas.SignedIn, example="streamer_session")
@blueprint.body(schemas.StepUp, example="step_up")
def step_up(body: dict[str, Any]) -> Response:
    """Authenticate again, when a problem `insufficient_user_authentication` asks; the session goes on."""
    return answer("identity", "step_up", body)


@blueprint.route("/totp")
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(200, schemas.Totp, example="totp")
def get_totp() -> Response:
    """Whether the account has an authenticator app."""
    return answer("identity", "get_totp")


@blueprint.route("/totp", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(201, schemas.Enrolment, example="totp_enrolment")
def begin_totp() -> Response:
    """Begin to set an authenticator app up; it counts once it is confirmed."""
    return answer("identity", "begin_totp", status=201)


@blueprint.route("/totp/confirm", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403, 404)
@blueprint.answers(200, schemas.ConfirmedTotp, example="totp_confirmed")
@blueprint.body(schemas.ConfirmTotp, example="confirm_totp")
def confirm_totp(body: dict[str, Any]) -> Response:
    """Confirm the app with a code of it; the answer holds the recovery codes, this once."""
    return answer("identity", "confirm_totp", body)


@blueprint.route("/totp", methods=["DELETE"])
@blueprint.requires()
@blueprint.refuses(403, 404)
@blueprint.answers(204)
def disable_totp() -> Response:
    """Remove the app; a code of the last ten minutes is needed."""
    return no_content("identity", "disable_totp")


@blueprint.route("/recovery-codes", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403, 404)
@blueprint.answers(201, schemas.RecoveryCodes, example="recovery_codes")
def replace_recovery_codes() -> Response:
    """New recovery codes in place of the old ones; a code of the last ten minutes is needed."""
    return answer("identity", "replace_recovery_codes", status=201)
