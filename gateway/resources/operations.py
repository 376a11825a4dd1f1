"""For operators: health, metrics and the description of the events."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from chassis.errors import NotFound, ServiceUnavailable
from gateway import schemas
from gateway.rest import Resource
from gateway.state import state

blueprint = Resource("operations", __name__, description="Health, metrics, descriptions")


@blueprint.route("/health/live")
@blueprint.answers(200, schemas.Health, example="health")
def is_live() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@blueprint.route("/health/ready")
@blueprint.answers(200, schemas.Readiness, example="readiness")
def is_ready() -> Response:
    """The process is connected to the broker."""
    if not state().is_ready:
        raise ServiceUnavailable("There is no connection to the broker.")
    here = state()
    return jsonify(status="ok", breakers=here.connection.breakers, limits=here.limiter.mode)


@blueprint.route("/asyncapi.json")
@blueprint.refuses(404)
@blueprint.answers(200, content_type="application/json")
def get_asyncapi() -> Response:
    """AsyncAPI 3 of every event on the broker."""
    return Response(events_document(state().settings.asyncapi_file), content_type="application/json")


@blueprint.route("/metrics")
@blueprint.answers(200, content_type="text/plain")
def get_metrics() -> Response:
    """Prometheus metrics, of all worker processes together."""
    return Response(generate_latest(registry()), content_type=CONTENT_TYPE_LATEST)


def registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    combined = CollectorRegistry()
    MultiProcessCollector(combined)  # type: ignore[no-untyped-call]
    return combined


@cache
def events_document(file: str) -> bytes:
    """Written by whoever puts the platform together: the gateway's code depends on no service's events."""
    if not file:
        raise NotFound("no description of the events was put beside this gateway")
    return Path(file).read_bytes()
