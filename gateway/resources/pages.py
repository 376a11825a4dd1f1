"""The start page and the pages that links in mails lead to; what developers read is in gateway.portal."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from gateway import headers

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def get_start_page() -> Response:
    return page("index.html")


@blueprint.get("/verify-email")
def get_verify_email_page() -> Response:
    """The token is in the fragment of its address, which no browser sends."""
    return page("verify-email.html")


@blueprint.get("/reset-password")
def get_reset_password_page() -> Response:
    """Without a token it asks for a link."""
    return page("reset-password.html")


@blueprint.get("/team-invitation")
def get_team_invitation_page() -> Response:
    return page("team-invitation.html")


@blueprint.get("/two-factor")
def get_two_factor_page() -> Response:
    """Where anybody with an account sets an authenticator app up, or turns it off."""
    return page("two-factor.html")


@blueprint.get("/admin-invitation")
def get_admin_invitation_page() -> Response:
    """Where somebody who is to become an administrator chooses a password."""
    return page("admin-invitation.html")


def page(name: str) -> Response:
    response = current_app.send_static_file(name)
    response.headers["Content-Security-Policy"] = headers.PAGE
    return response
