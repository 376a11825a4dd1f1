"""One answer from several services, asked at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from flask import Response, g, jsonify

from chassis import context
from chassis.context import CallContext
from chassis.errors import Error
from chassis.principal import Principal
from gateway import schemas
from gateway.rest import Resource
from gateway.state import Connection, state

blueprint = Resource("dashboard", __name__, url_prefix="/v1", description="An overview per kind of account")

ITEMS = {"limit": 5}


class Part(NamedTuple):
    """One part: the scope that it needs, and who answers it."""

    scope: str
    service: str
    method: str
    request: dict[str, Any]


WALLET = Part("wallet:read", "payment", "wallet", {})
NOTIFICATIONS = Part("notifications:read", "notification", "list", ITEMS)

PARTS: dict[str, dict[str, Part]] = {
    "brand": {
        "wallet": WALLET,
        "campaigns": Part("campaigns:read", "campaign", "list", ITEMS),
        "notifications": NOTIFICATIONS,
    },
    "streamer": {
        "wallet": WALLET,
        "participations": Part("participations:write", "participation", "list_mine", ITEMS),
        "notifications": NOTIFICATIONS,
    },
    "admin": {
        "review_queue": Part("admin:campaigns", "campaign", "review_queue", ITEMS),
    },
}


@blueprint.route("/dashboard")
@blueprint.requires()
@blueprint.answers(200, schemas.Dashboard, example="dashboard")
def get_dashboard() -> Response:
    """What matters now and the token allows; a part whose service is down says so, and the rest is there."""
    here, caller = state(), context.current()
    parts = allowed_parts(g.principal)

    def ask(part: Part) -> dict[str, Any]:
        return ask_part(here.connection, part, here.settings.dashboard_seconds, caller)

    with ThreadPoolExecutor(max_workers=max(len(parts), 1)) as pool:
        answers = list(pool.map(ask, parts.values()))
    return jsonify(kind=g.principal.kind, parts=dict(zip(parts, answers, strict=True)))


def allowed_parts(by: Principal) -> dict[str, Part]:
    """A part is no way around the scope that its own route asks for."""
    return {name: part for name, part in PARTS[by.kind].items() if by.has(part.scope)}


def ask_part(connection: Connection, part: Part, timeout: float, caller: CallContext) -> dict[str, Any]:
    try:
        data = connection.call(part.service, part.method, part.request, timeout=timeout, context=caller)
        return {"status": "ok", "data": data}
    except Error as error:
        return {"status": "unavailable", "code": error.code}
