"""What administrators do to accounts."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("admin", __name__, url_prefix="/v1/admin", description="Administrators")


@blueprint.route("/impersonate", methods=["POST"])
@blueprint.requires("admin:impersonate")
@blueprint.answers(201, schemas.Impersonating, example="impersonating")
@blueprint.body(schemas.Impersonate, example="impersonate")
def impersonate(body: dict[str, Any]) -> Response:
    """Act as a brand or a streamer for ten minutes; its owner is told who does so, and why."""
    return answer("identity", "impersonate", body, 201)
