"""The people who act for a brand."""

from __future__ import annotations

from typing import Any

from flask import Response

from brand import schemas
from gateway.backend import answer, created, no_content
from gateway.rest import Resource

blueprint = Resource("team", __name__, url_prefix="/v1/brands/me/team", description="The team of a brand")


@blueprint.route("")
@blueprint.requires("team:read", kinds=["brand"])
@blueprint.answers(200, schemas.PersonPage, example="team")
@blueprint.query(schemas.ListTeam)
def list_team(query: dict[str, Any]) -> Response:
    """The brand's own account, its members, and who is invited."""
    return answer("brand", "list_team", query)


@blueprint.route("", methods=["POST"])
@blueprint.requires("team:manage", kinds=["brand"])
@blueprint.answers(201, schemas.Person, example="invited_person")
@blueprint.body(schemas.InvitePerson, example="invite_person")
def invite_person(body: dict[str, Any]) -> Response:
    """Send somebody a link to join the team; it works once, within 72 hours. At most 50 in a day."""
    return created("brand", "invite", body)


@blueprint.route("/<id:member_id>", methods=["PATCH"])
@blueprint.requires("team:manage", kinds=["brand"])
@blueprint.answers(200, schemas.Person, example="team_member")
@blueprint.body(schemas.ChangeRole, without=["member_id"], example="change_role")
def change_role(body: dict[str, Any], member_id: str) -> Response:
    """Give a member another role; the member has to log in again."""
    return answer("brand", "change_role", {**body, "member_id": member_id})


@blueprint.route("/me", methods=["DELETE"])
@blueprint.requires("team:read", kinds=["brand"])
@blueprint.answers(204)
def leave_team() -> Response:
    """Leave the team, as a member of it; your tokens for this brand, and the keys you made, stop working."""
    return no_content("brand", "leave_team")


@blueprint.route("/<id:member_id>", methods=["DELETE"])
@blueprint.requires("team:manage", kinds=["brand"])
@blueprint.answers(204)
def remove_member(member_id: str) -> Response:
    """Take a member out of the team; their tokens, and the API keys they made, stop working."""
    return no_content("brand", "remove_member", {"member_id": member_id})


@blueprint.route("/invitations/<id:invitation_id>", methods=["DELETE"])
@blueprint.requires("team:manage", kinds=["brand"])
@blueprint.answers(204)
def withdraw_invitation(invitation_id: str) -> Response:
    """Withdraw an invitation; its link stops working at once."""
    return no_content("brand", "withdraw_invitation", {"invitation_id": invitation_id})
