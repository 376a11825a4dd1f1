"""Sign-up, log-in and linking by an account at a streaming platform."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify, redirect, request
from marshmallow import EXCLUDE
from werkzeug.wrappers import Response as Redirect

from chassis.errors import BadRequest
from gateway import authentication
from gateway.backend import answer, call, no_content
from gateway.rest import Resource
from gateway.state import state
from gateway.v1.identity import with_address
from identity import schemas

blueprint = Resource("oauth", __name__, url_prefix="/v1", description="Log-in with Twitch and YouTube")

COOKIE = "oauth"
TO_THE_PROVIDER = {
    "description": "To the provider",
    "headers": {"Location": {"schema": {"type": "string"}}},
}


class NotThisBrowser(BadRequest):
    """Somebody else's link to the callback would let this browser into their account, or them into ours."""

    code = "oauth_not_this_browser"
    title = "The log-in was begun in another browser, or too long ago; begin again"


@blueprint.route("/oauth/<id:provider>/authorize")
@blueprint.refuses(401, 403)
@blueprint.doc(security=[{}, {"bearer": []}], responses={"302": TO_THE_PROVIDER})
@blueprint.answers(200, schemas.OAuthDestination, example="oauth_destination")
def authorize(provider: str) -> Response | Redirect:
    """Go to the provider: a redirect to log in or sign up; with an access token, the address to link at.

    The answer sets a cookie without which the callback refuses whoever comes back.
    """
    if "Authorization" in request.headers:
        authentication.require((), ("streamer",))
    begun = call("identity", "begin_oauth", {"provider": provider})
    binding = begun.pop("binding")
    response = jsonify(begun) if g.get("principal") else redirect(begun["authorize_url"])
    response.set_cookie(
        cookie_name(),
        binding,
        max_age=begun["expires_in"],
        path="/",
        secure=is_secure(),
        httponly=True,
        # Lax, since the provider's redirect is a navigation from another site.
        samesite="Lax",
    )
    return response


@blueprint.route("/oauth/<id:provider>/callback")
@blueprint.refuses(401, 409)
@blueprint.answers(200, schemas.SignedIn, example="streamer_session")
# A provider may append what it likes: scope, iss, session_state …
@blueprint.arguments(schemas.OAuthReturn(), location="query", unknown=EXCLUDE)
def callback(query: dict[str, Any], provider: str) -> Response:
    """Where the provider sends the browser back to: signed in, signed up, or linked."""
    binding = request.cookies.get(cookie_name(), "")
    if not binding:
        raise NotThisBrowser()
    response = answer(
        "identity", "finish_oauth", with_address({**query, "provider": provider, "binding": binding})
    )
    response.delete_cookie(cookie_name(), path="/", secure=is_secure(), httponly=True, samesite="Lax")
    return response


@blueprint.route("/auth/providers")
@blueprint.requires(kinds=["streamer"])
@blueprint.answers(200, schemas.ProviderLinkPage, example="provider_links")
@blueprint.query(schemas.ListProviderLinks)
def list_provider_links(query: dict[str, Any]) -> Response:
    """List the platform accounts that let this account in."""
    return answer("identity", "list_provider_links", query)


@blueprint.route("/auth/providers/<id:provider>", methods=["DELETE"])
@blueprint.requires(kinds=["streamer"])
@blueprint.answers(204)
def unlink_provider(provider: str) -> Response:
    """Unlink a platform account, unless nothing else would let its owner in."""
    return no_content("identity", "unlink_provider", {"provider": provider})


def is_secure() -> bool:
    return state().settings.public_url.startswith("https://")


def cookie_name() -> str:
    """The prefix makes browsers refuse the cookie from any other host, and over plain HTTP."""
    return f"__Host-{COOKIE}" if is_secure() else COOKIE
