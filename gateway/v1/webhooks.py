"""Webhook endpoints of a brand: where its servers are told what happens."""

from __future__ import annotations

from typing import Any

from flask import Response

from gateway.backend import answer, changed, created, no_content, read, read_version
from gateway.conditional import expected_versions
from gateway.rest import Resource
from notification import schemas

SCOPE = "webhooks:manage"

blueprint = Resource(
    "webhooks",
    __name__,
    url_prefix="/v1/webhook-endpoints",
    description="Where a brand's servers are told what happens; see the section webhooks for what they get",
)


@blueprint.route("")
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(200, schemas.WebhookEndpointPage, example="webhook_endpoints")
@blueprint.query(schemas.ListWebhookEndpoints)
def list_endpoints(query: dict[str, Any]) -> Response:
    """The brand's endpoints, newest first."""
    return read("notification", "list_webhook_endpoints", query)


@blueprint.route("", methods=["POST"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(201, schemas.WebhookEndpointWithSecret, example="webhook_endpoint_with_secret")
@blueprint.body(schemas.CreateWebhookEndpoint, example="create_webhook_endpoint")
def create_endpoint(body: dict[str, Any]) -> Response:
    """Add an endpoint; this answer is the only one that holds its secret. A brand has ten at the most."""
    return created("notification", "create_webhook_endpoint", body, "/v1/webhook-endpoints")


@blueprint.route("/<id:endpoint_id>")
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(200, schemas.WebhookEndpoint, example="webhook_endpoint")
def get_endpoint(endpoint_id: str) -> Response:
    """One endpoint, without its secret."""
    return read_version("notification", "get_webhook_endpoint", {"endpoint_id": endpoint_id})


@blueprint.route("/<id:endpoint_id>", methods=["PATCH"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(200, schemas.WebhookEndpoint, example="webhook_endpoint")
@blueprint.body(
    schemas.UpdateWebhookEndpoint,
    without=["endpoint_id", "expected_versions"],
    example="update_webhook_endpoint",
)
@blueprint.takes_if_match
def update_endpoint(body: dict[str, Any], endpoint_id: str) -> Response:
    """Change the named fields. Enabling an endpoint forgets what disabled it."""
    command = {**body, **expected_versions(), "endpoint_id": endpoint_id}
    return changed("notification", "update_webhook_endpoint", command)


@blueprint.route("/<id:endpoint_id>", methods=["DELETE"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(204)
def delete_endpoint(endpoint_id: str) -> Response:
    """Take an endpoint away, with all that waits for it."""
    return no_content("notification", "delete_webhook_endpoint", {"endpoint_id": endpoint_id})


@blueprint.route("/<id:endpoint_id>/rotate-secret", methods=["POST"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(200, schemas.WebhookEndpointWithSecret, example="webhook_endpoint_with_secret")
def rotate_secret(endpoint_id: str) -> Response:
    """Sign with a new secret; for a day each message is signed with the one of before, too."""
    return answer("notification", "rotate_webhook_secret", {"endpoint_id": endpoint_id})


@blueprint.route("/<id:endpoint_id>/test", methods=["POST"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(202, schemas.WebhookDelivery, example="webhook_delivery")
def test_endpoint(endpoint_id: str) -> Response:
    """Send a `webhook.test`; what became of it is among the deliveries."""
    return answer("notification", "test_webhook_endpoint", {"endpoint_id": endpoint_id}, 202)


@blueprint.route("/<id:endpoint_id>/deliveries")
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(200, schemas.WebhookDeliveryPage, example="webhook_deliveries")
@blueprint.query(schemas.ListWebhookDeliveries, without=["endpoint_id"])
def list_deliveries(query: dict[str, Any], endpoint_id: str) -> Response:
    """What was sent in the last 30 days, newest first, with the last attempts of each."""
    return read("notification", "list_webhook_deliveries", {**query, "endpoint_id": endpoint_id})


@blueprint.route("/<id:endpoint_id>/deliveries/replay", methods=["POST"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(202, schemas.Replayed, example="replayed_webhooks")
def replay_deliveries(endpoint_id: str) -> Response:
    """Send all parked deliveries again, each under the id that it has."""
    return answer("notification", "replay_webhook_deliveries", {"endpoint_id": endpoint_id}, 202)


@blueprint.route("/<id:endpoint_id>/deliveries/<id:delivery_id>/replay", methods=["POST"])
@blueprint.requires(SCOPE, kinds=["brand"])
@blueprint.answers(202, schemas.WebhookDelivery, example="webhook_delivery")
def replay_delivery(endpoint_id: str, delivery_id: str) -> Response:
    """Send a parked delivery again, under the id that it has."""
    command = {"endpoint_id": endpoint_id, "delivery_id": delivery_id}
    return answer("notification", "replay_webhook_delivery", command, 202)
