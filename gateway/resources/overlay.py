"""The overlay: a page for OBS, and what that page asks for. The link's token is the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, send_from_directory

from chassis import context
from chassis.errors import Error
from gateway import headers, live
from gateway.backend import answer, call
from gateway.feed import overlay_topic
from gateway.live import Subscription
from gateway.rest import Resource
from gateway.state import state
from participation import schemas

blueprint = Resource("overlay", __name__, url_prefix="/overlay", description="The browser source for OBS")


@blueprint.route("/<overlay_token:token>")
@blueprint.answers(200, content_type="text/html")
def get_page(token: str) -> Response:
    """The page to add to OBS as a browser source of 1920×1080."""
    # Nobody keeps it, so nobody asks for a part of it, or for whether it has changed.
    response = send_from_directory(current_app.static_folder or "", "overlay.html", conditional=False)
    response.headers["Content-Security-Policy"] = headers.PAGE
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("/<overlay_token:token>/manifest")
@blueprint.refuses(410)
@blueprint.answers(200, schemas.Manifest, example="manifest")
def get_manifest(token: str) -> Response:
    """What to show, how often, and the key to prove it with."""
    return answer("participation", "manifest", {"token": token})


@blueprint.route("/<overlay_token:token>/deliveries", methods=["POST"])
@blueprint.refuses(410)
@blueprint.answers(202, schemas.DeliveriesPosted, example="deliveries_posted")
@blueprint.body(schemas.PostDeliveries, without=["token"], example="post_deliveries")
def post_deliveries(body: dict[str, Any], token: str) -> Response:
    """Report showings with their proofs; each refused one comes back with its reason."""
    return answer("participation", "post_deliveries", {**body, "token": token}, 202)


@blueprint.route("/<overlay_token:token>/events")
@blueprint.refuses(410)
@blueprint.answers(200, content_type="text/event-stream")
def follow_events(token: str) -> Response:
    """Server-sent events: `manifest_changed`, `show_test`, `revoked`."""
    channel = call("participation", "overlay_channel", {"token": token})["channel"]
    subscription = state().hub.subscribe(overlay_topic(channel))
    return live.respond(subscription, until_revoked(subscription, token))


def until_revoked(subscription: Subscription, token: str) -> Iterator[str]:
    """Events of the overlay; `revoked` is passed on, as the last one, when it is this token that was."""
    here, caller = state(), context.current()

    def is_revoked() -> bool:
        try:
            here.connection.call("participation", "overlay_channel", {"token": token}, context=caller)
        except Error as error:
            return error.status in (404, 410)
        return False

    def passes(message: live.Message) -> bool:
        return message.event != "revoked" or is_revoked()

    return live.follow(
        subscription,
        heartbeat=here.settings.heartbeat_seconds,
        lifetime=float("inf"),
        passes=passes,
        last="revoked",
    )
