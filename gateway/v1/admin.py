"""What administrators do to accounts."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer, no_content
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("admin", __name__, url_prefix="/v1/admin", description="Administrators")


@blueprint.route("/impersonate", methods=["POST"])
@blueprint.requires("admin:impersonate")
@blueprint.refuses(404)
@blueprint.answers(201, schemas.Impersonating, example="impersonating")
@blueprint.body(schemas.Impersonate, example="impersonate")
def impersonate(body: dict[str, Any]) -> Response:
    """Act as a brand or a streamer for ten minutes; its owner is told who does so, and why."""
    return answer("identity", "impersonate", body, 201)


@blueprint.route("/invitations", methods=["POST"])
@blueprint.requires("admin:invite")
@blueprint.answers(201, schemas.InvitedAdmin, example="invited_admin")
@blueprint.body(schemas.InviteAdmin, example="invite_admin")
def invite_admin(body: dict[str, Any]) -> Response:
    """Invite an administrator; the mailed link works once, for 24 hours."""
    return answer("identity", "invite_admin", body, 201)


@blueprint.route("/invitations/accept", methods=["POST"])
@blueprint.refuses(410)
@blueprint.answers(204)
@blueprint.body(schemas.AcceptAdminInvitation, example="accept_admin_invitation")
def accept_admin_invitation(body: dict[str, Any]) -> Response:
    """Choose a password with the link of an invitation; then log in and set an authenticator app up."""
    return no_content("identity", "accept_admin_invitation", body)
