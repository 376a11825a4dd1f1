"""Why somebody may or may not do something."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("permissions", __name__, url_prefix="/v1/admin/permissions", description="Permissions")


@blueprint.route("/explain", methods=["POST"])
@blueprint.requires("admin:permissions")
@blueprint.refuses(404)
@blueprint.answers(200, schemas.Decision, example="decision")
@blueprint.body(schemas.Explain, example="explain")
def explain(body: dict[str, Any]) -> Response:
    """Why a principal may or may not do something, and which rule says so."""
    return answer("identity", "explain", body)
