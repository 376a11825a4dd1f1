"""One answer from several services, asked at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Response, g, jsonify

from chassis import context
from chassis.context import CallContext
from chassis.errors import Error
from gateway import schemas
from gateway.rest import Resource
from gateway.state import Connection, state

blueprint = Resource("dashboard", __name__, url_prefix="/v1", description="An overview per kind of account")

ITEMS = {"limit": 5}

# For each kind of account: the parts of its dashboard, and who answers them.
PARTS: dict[str, dict[str, tuple[str, str, dict[str, Any]]]] = {
    "brand": {
        "wallet": ("payment", "wallet", {}),
        "campaigns": ("campaign", "list", ITEMS),
        "notifications": ("notification", "list", ITEMS),
    },
    "streamer": {
        "wallet": ("payment", "wallet", {}),
        "participations": ("participation", "list_mine", ITEMS),
        "notifications": ("notification", "list", ITEMS),
    },
    "admin": {
        "review_queue": ("campaign", "review_queue", ITEMS),
    },
}


@blueprint.route("/dashboard")
@blueprint.requires()
@blueprint.answers(200, schemas.Dashboard, example="dashboard")
def get_dashboard() -> Response:
    """What matters now; a part whose service is down says so, and the rest is there."""
    here, caller = state(), context.current()
    parts = PARTS[g.principal.kind]

    def ask(part: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
        return ask_part(here.connection, part, here.settings.dashboard_seconds, caller)

    with ThreadPoolExecutor(max_workers=len(parts)) as pool:
        answers = list(pool.map(ask, parts.values()))
    return jsonify(kind=g.principal.kind, parts=dict(zip(parts, answers, strict=True)))


def ask_part(
    connection: Connection, part: tuple[str, str, dict[str, Any]], timeout: float, caller: CallContext
) -> dict[str, Any]:
    service, method, request = part
    try:
        return {
            "status": "ok",
            "data": connection.call(service, method, request, timeout=timeout, context=caller),
        }
    except Error as error:
        return {"status": "unavailable", "code": error.code}
