"""API keys: how a brand's server comes in."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from gateway.backend import answer, call, created, no_content
from gateway.rest import Resource
from gateway.schemas import DaysOfUse, KeyUse
from gateway.state import state
from gateway.usage.requests import days_between
from identity import schemas

blueprint = Resource("api_keys", __name__, url_prefix="/v1/api-keys", description="API keys of a brand")


@blueprint.route("")
@blueprint.requires("keys:manage", kinds=["brand"])
@blueprint.answers(200, schemas.ApiKeyPage, example="api_keys")
@blueprint.query(schemas.ListApiKeys)
def list_api_keys(query: dict[str, Any]) -> Response:
    """The keys that are in force, newest first."""
    return answer("identity", "list_api_keys", query)


@blueprint.route("", methods=["POST"])
@blueprint.requires("keys:manage", kinds=["brand"])
@blueprint.answers(201, schemas.CreatedApiKey, example="created_api_key")
@blueprint.body(schemas.CreateApiKey, example="create_api_key")
def create_api_key(body: dict[str, Any]) -> Response:
    """Make a key; this answer is the only one that holds the whole of it."""
    return created("identity", "create_api_key", body)


@blueprint.route("/<id:key_id>", methods=["DELETE"])
@blueprint.requires("keys:manage", kinds=["brand"])
@blueprint.answers(204)
def revoke_api_key(key_id: str) -> Response:
    """Revoke a key; it stops working within a second."""
    return no_content("identity", "revoke_api_key", {"key_id": key_id})


@blueprint.route("/<id:key_id>/usage")
@blueprint.requires("keys:manage", kinds=["brand"])
@blueprint.answers(200, KeyUse, example="key_use")
@blueprint.query(DaysOfUse)
def get_api_key_usage(query: dict[str, Any], key_id: str) -> Response:
    """Requests of a key by day, for the last 90 days; what a worker served just now follows in a second."""
    here = state()
    days = days_between(**DaysOfUse().load(query), today=here.clock.now().date())
    key = call("identity", "get_api_key", {"key_id": key_id})
    return jsonify(KeyUse().dump({"items": here.usage.of(key["id"], days)}))
