"""The portal's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, make_response, render_template, send_from_directory
from werkzeug.exceptions import NotFound

from gateway import headers
from gateway.portal import guides
from gateway.portal.events import PublishingService, services_of
from gateway.state import state

blueprint = Blueprint("portal", __name__, template_folder="templates", url_prefix="/docs")

ONE_DAY = 86_400


def swagger_folder() -> Path:
    """Where the installed flask_swagger_ui keeps Swagger UI; the package's own code is not imported."""
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise LookupError("flask_swagger_ui is not installed")
    return Path(found.origin).parent / "dist"


@blueprint.get("")
def get_overview() -> Response:
    return page("overview")


@blueprint.get("/guides/<name>")
def get_guide(name: str) -> Response:
    if name not in guides.NAMES:
        raise NotFound
    position = guides.NAMES.index(name)
    following = guides.NAMES[position + 1 : position + 2]
    return page("guide", guide=known_guides()[name], following=[known_guides()[n] for n in following])


@blueprint.get("/reference")
def get_reference() -> Response:
    return page("reference")


@blueprint.get("/events")
def get_events() -> Response:
    """From the AsyncAPI document of this platform, so that it never says what is not published."""
    return page("events", services=services(state().settings.asyncapi_file))


@blueprint.get("/keys")
def get_keys() -> Response:
    return page("keys")


@blueprint.get('/<any("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):name>')
def get_swagger_file(name: str) -> Response:
    return send_from_directory(swagger_folder(), name, max_age=ONE_DAY)


def page(name: str, **values: Any) -> Response:
    html = render_template(f"portal/{name}.html", current=name, guides=known_guides().values(), **values)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = headers.PAGE
    return response


def known_guides() -> Mapping[str, guides.Guide]:
    return guides.guides(state().settings.public_url)


@cache
def services(asyncapi_file: str) -> list[PublishingService]:
    return services_of(json.loads(Path(asyncapi_file).read_text())) if asyncapi_file else []
