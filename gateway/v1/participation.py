"""Applications, participations, and the streamer's overlay link."""

from __future__ import annotations

from typing import Any

from flask import Response

from chassis.schema import PageQuery
from gateway.backend import answer, created, no_content, read
from gateway.rest import Resource
from participation import schemas

blueprint = Resource("participation", __name__, url_prefix="/v1", description="Who shows which campaign")

EITHER_SIDE = ("participations:write", "participations:manage")
EITHER_READER = ("participations:write", "participations:read")


@blueprint.route("/campaigns/<id:campaign_id>/applications", methods=["POST"])
@blueprint.requires("participations:write")
@blueprint.answers(201, schemas.Participation, example="participation")
def apply(campaign_id: str) -> Response:
    """Apply for a campaign."""
    return created("participation", "apply", {"campaign_id": campaign_id}, "/v1/participations")


@blueprint.route("/campaigns/<id:campaign_id>/applications")
@blueprint.requires("participations:read")
@blueprint.answers(200, schemas.ParticipationPage, example="participations")
@blueprint.query(schemas.ListApplications, without=["campaign_id"])
def list_applications(query: dict[str, Any], campaign_id: str) -> Response:
    """List who applied for a campaign of the caller's."""
    return read("participation", "list_applications", {**query, "campaign_id": campaign_id})


@blueprint.route("/participations")
@blueprint.requires("participations:write")
@blueprint.answers(200, schemas.ParticipationPage, example="participations")
@blueprint.query(PageQuery)
def list_participations(query: dict[str, Any]) -> Response:
    """List the caller's participations."""
    return read("participation", "list_mine", query)


@blueprint.route("/participations/<id:participation_id>")
@blueprint.requires(*EITHER_READER)
@blueprint.answers(200, schemas.Participation, example="participation")
def get_participation(participation_id: str) -> Response:
    """One participation, for its streamer or its brand."""
    return read("participation", "get", {"participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/approve", methods=["POST"])
@blueprint.requires("participations:manage")
@blueprint.answers(200, schemas.Participation, example="participation")
def approve(participation_id: str) -> Response:
    """Take the streamer in; the terms are frozen from now on."""
    return answer("participation", "approve", {"participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/reject", methods=["POST"])
@blueprint.requires("participations:manage")
@blueprint.answers(200, schemas.Participation, example="participation")
@blueprint.body(schemas.Reject, without=["participation_id"], example="reason")
def reject(body: dict[str, Any], participation_id: str) -> Response:
    """Decline an application, with the reason."""
    return answer("participation", "reject", {**body, "participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/pause", methods=["POST"])
@blueprint.requires(*EITHER_SIDE)
@blueprint.answers(200, schemas.Participation, example="participation")
def pause(participation_id: str) -> Response:
    """Stop showing this campaign for a while."""
    return answer("participation", "pause", {"participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/resume", methods=["POST"])
@blueprint.requires(*EITHER_SIDE)
@blueprint.answers(200, schemas.Participation, example="participation")
def resume(participation_id: str) -> Response:
    """Go on after a pause."""
    return answer("participation", "resume", {"participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/leave", methods=["POST"])
@blueprint.requires("participations:write")
@blueprint.answers(200, schemas.Participation, example="participation")
def leave(participation_id: str) -> Response:
    """Leave the campaign for good; what was earned stays earned."""
    return answer("participation", "leave", {"participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/remove", methods=["POST"])
@blueprint.requires("participations:manage")
@blueprint.answers(200, schemas.Participation, example="participation")
@blueprint.body(schemas.Remove, without=["participation_id"], example="reason")
def remove(body: dict[str, Any], participation_id: str) -> Response:
    """Remove a streamer from the campaign, with the reason."""
    return answer("participation", "remove", {**body, "participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/deliveries")
@blueprint.requires(*EITHER_READER)
@blueprint.answers(200, schemas.DeliveryPage, example="deliveries")
@blueprint.query(schemas.ListDeliveries, without=["participation_id"])
def list_deliveries(query: dict[str, Any], participation_id: str) -> Response:
    """Every accepted showing."""
    return read("participation", "deliveries", {**query, "participation_id": participation_id})


@blueprint.route("/participations/<id:participation_id>/earnings")
@blueprint.requires(*EITHER_READER)
@blueprint.answers(200, schemas.Earnings, example="earnings")
def get_earnings(participation_id: str) -> Response:
    """What the participation earned, beside the same figures computed again from its deliveries."""
    return read("participation", "earnings", {"participation_id": participation_id})


@blueprint.route("/overlay-link")
@blueprint.requires("overlay:manage")
@blueprint.answers(200, schemas.OverlayLink, example="overlay_link")
def get_overlay_link() -> Response:
    """The address to add to OBS as a browser source of 1920×1080. Keep it secret."""
    return answer("participation", "overlay_link")


@blueprint.route("/overlay-link", methods=["POST"])
@blueprint.requires("overlay:manage")
@blueprint.answers(201, schemas.OverlayLink, example="overlay_link")
def replace_overlay_link() -> Response:
    """A new address; the old one stops working at once."""
    return answer("participation", "replace_overlay_link", status=201)


@blueprint.route("/overlay-link/test", methods=["POST"])
@blueprint.requires("overlay:manage")
@blueprint.answers(204)
def show_test() -> Response:
    """Show a test card on the caller's open overlays."""
    return no_content("participation", "show_test")
