"""A streamer's profile, platforms and payout method."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer, changed, no_content, read, read_version
from gateway.conditional import expected_versions
from gateway.rest import Resource
from participation.schemas import EarningsSummary
from streamer import schemas

blueprint = Resource("streamer", __name__, url_prefix="/v1", description="Streamers and their platforms")


@blueprint.route("/streamers/me")
@blueprint.requires(kinds=["streamer"])
@blueprint.answers(200, schemas.Profile, example="streamer_profile")
def get_own_profile() -> Response:
    """The caller's profile; secrets are masked."""
    return read_version("streamer", "get_profile")


@blueprint.route("/streamers/me", methods=["PATCH"])
@blueprint.requires("profile:write", kinds=["streamer"])
@blueprint.answers(200, schemas.Profile, example="streamer_profile")
@blueprint.body(schemas.UpdateProfile, without=["expected_versions"], example="update_streamer_profile")
@blueprint.takes_if_match
def update_own_profile(body: dict[str, Any]) -> Response:
    """Change the named fields of the profile."""
    return changed("streamer", "update_profile", {**body, **expected_versions()})


@blueprint.route("/streamers/<id:streamer_id>")
@blueprint.answers(200, schemas.PublicProfile, example="public_streamer")
def get_public_profile(streamer_id: str) -> Response:
    """What everybody may know of a streamer."""
    return read("streamer", "public_profile", {"streamer_id": streamer_id})


@blueprint.route("/streamers/me/platforms", methods=["POST"])
@blueprint.requires("profile:write", kinds=["streamer"])
@blueprint.answers(201, schemas.Profile, example="streamer_profile")
@blueprint.body(schemas.LinkPlatform, example="link_platform")
def link_platform(body: dict[str, Any]) -> Response:
    """Link a channel; its public figures are looked up."""
    return answer("streamer", "link_platform", body, 201)


@blueprint.route("/streamers/me/platforms/<id:name>", methods=["DELETE"])
@blueprint.requires("profile:write", kinds=["streamer"])
@blueprint.answers(204)
def unlink_platform(name: str) -> Response:
    """Unlink a channel."""
    return no_content("streamer", "unlink_platform", {"name": name})


@blueprint.route("/streamers/me/payout-method", methods=["PUT"])
@blueprint.requires("payouts:method", kinds=["streamer"])
@blueprint.answers(200, schemas.Profile, example="streamer_profile")
@blueprint.body(schemas.SetPayoutMethod, example="payout_method")
def set_payout_method(body: dict[str, Any]) -> Response:
    """Say where earnings are paid out to; a log-in of the last ten minutes is needed."""
    return answer("streamer", "set_payout_method", body)


@blueprint.route("/streamers/me/earnings")
@blueprint.requires("wallet:read", kinds=["streamer"])
@blueprint.answers(200, EarningsSummary, example="earnings_summary")
def get_own_earnings() -> Response:
    """What the caller's participations have earned."""
    return read("participation", "earnings_summary")


@blueprint.route("/admin/streamers/<id:streamer_id>/platforms/<id:name>/verify", methods=["POST"])
@blueprint.requires("admin:streamers")
@blueprint.answers(200, schemas.Profile, example="streamer_profile")
@blueprint.body(schemas.VerifyPlatform, without=["streamer_id", "name"], example="verify_platform")
def verify_platform(body: dict[str, Any], streamer_id: str, name: str) -> Response:
    """Decide whether a linked channel is the streamer's own."""
    return answer("streamer", "verify_platform", {**body, "streamer_id": streamer_id, "name": name})
