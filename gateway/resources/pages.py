"""Pages for people: what this is, and the documentation of the interface."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, current_app, send_from_directory

from gateway import headers

blueprint = Blueprint("pages", __name__)


def swagger_folder() -> Path:
    """Where the installed flask_swagger_ui keeps Swagger UI; the package's own code is not imported."""
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise LookupError("flask_swagger_ui is not installed")
    return Path(found.origin).parent / "dist"


@blueprint.get("/")
def get_start_page() -> Response:
    return page("index.html")


@blueprint.get("/docs")
def get_docs() -> Response:
    return page("docs.html")


@blueprint.get('/docs/<any("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"):name>')
def get_docs_file(name: str) -> Response:
    return send_from_directory(swagger_folder(), name, max_age=86400)


def page(name: str) -> Response:
    response = current_app.send_static_file(name)
    response.headers["Content-Security-Policy"] = headers.PAGE
    return response
