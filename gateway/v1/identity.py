"""Accounts, logins, sessions and the keys that tokens are verified with."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from gateway.backend import answer, no_content
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("identity", __name__, url_prefix="/v1", description="Accounts, logins and sessions")


@blueprint.route("/brands/register", methods=["POST"])
@blueprint.answers(201, schemas.SignedIn, example="brand_session")
@blueprint.body(schemas.RegisterBrand, example="register_brand")
def register_brand(body: dict[str, Any]) -> Response:
    """Open a brand's account."""
    return answer("identity", "register_brand", with_address(body), 201)


@blueprint.route("/streamers/register", methods=["POST"])
@blueprint.answers(201, schemas.SignedIn, example="streamer_session")
@blueprint.body(schemas.RegisterStreamer, example="register_streamer")
def register_streamer(body: dict[str, Any]) -> Response:
    """Open a streamer's account."""
    return answer("identity", "register_streamer", with_address(body), 201)


@blueprint.route("/brands/login", methods=["POST"])
@blueprint.refuses(401)
@blueprint.answers(200, schemas.SignedIn, example="brand_session")
@blueprint.body(schemas.Login, example="login")
def log_in_brand(body: dict[str, Any]) -> Response:
    """Log in as a brand."""
    return answer("identity", "login", {**with_address(body), "kind": "brand"})


@blueprint.route("/streamers/login", methods=["POST"])
@blueprint.refuses(401)
@blueprint.answers(200, schemas.SignedIn, example="streamer_session")
@blueprint.body(schemas.Login, example="login")
def log_in_streamer(body: dict[str, Any]) -> Response:
    """Log in as a streamer."""
    return answer("identity", "login", {**with_address(body), "kind": "streamer"})


@blueprint.route("/members/accept", methods=["POST"])
@blueprint.refuses(401, 403, 404, 410)
@blueprint.answers(201, schemas.SignedIn, example="member_session")
@blueprint.body(schemas.AcceptInvitation, example="accept_invitation")
def accept_invitation(body: dict[str, Any]) -> Response:
    """Join a brand's team with the token of the link that was mailed; the answer is a log-in."""
    return answer("identity", "accept_invitation", with_address(body), 201)


@blueprint.route("/members/login", methods=["POST"])
@blueprint.refuses(401, 403)
@blueprint.answers(200, schemas.SignedIn, example="member_session")
@blueprint.body(schemas.LoginMember, example="login_member")
def log_in_member(body: dict[str, Any]) -> Response:
    """Log in as a member of a brand's team."""
    return answer("identity", "login_member", with_address(body))


@blueprint.route("/admin/login", methods=["POST"])
@blueprint.refuses(401)
@blueprint.answers(200, schemas.SignedIn, example="admin_session")
@blueprint.body(schemas.Login, example="login")
def log_in_admin(body: dict[str, Any]) -> Response:
    """Log in as an administrator."""
    return answer("identity", "login", {**with_address(body), "kind": "admin"})


@blueprint.route("/auth/refresh", methods=["POST"])
@blueprint.refuses(401)
@blueprint.answers(200, schemas.SignedIn, example="brand_session")
@blueprint.body(schemas.Refresh, example="refresh")
def refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for new tokens; the old one is used up."""
    return answer("identity", "refresh", with_address(body))


@blueprint.route("/auth/logout", methods=["POST"])
@blueprint.requires()
@blueprint.refuses(403, 404)
@blueprint.answers(204)
def log_out() -> Response:
    """End the session of this access token."""
    return no_content("identity", "logout")


@blueprint.route("/auth/sessions")
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(200, schemas.SessionPage, example="sessions")
@blueprint.query(schemas.ListSessions)
def list_sessions(query: dict[str, Any]) -> Response:
    """List the open sessions of this account."""
    return answer("identity", "list_sessions", query)


@blueprint.route("/auth/sessions/<id:sid>", methods=["DELETE"])
@blueprint.requires()
@blueprint.refuses(403)
@blueprint.answers(204)
def revoke_session(sid: str) -> Response:
    """End a session; its tokens stop working within a second."""
    return no_content("identity", "revoke_session", {"sid": sid})


def with_address(body: dict[str, Any]) -> dict[str, Any]:
    """Failures are counted by the client's address, too; sessions show it."""
    return {**body, "address": request.remote_addr or None}
