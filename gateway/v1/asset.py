"""Creatives: uploads and what became of them."""

from __future__ import annotations

import json
import uuid
from typing import Any, BinaryIO, cast

from flask import Response, request

from asset import schemas
from chassis.errors import ValidationFailed
from gateway.backend import created, read
from gateway.idempotency import REPLAYED, Claim, given_key, run_once
from gateway.multipart import Upload, UploadTooLarge, boundary_of
from gateway.rest import Resource
from gateway.state import state

blueprint = Resource("asset", __name__, url_prefix="/v1/assets", description="Images and videos to show")

# Boundaries, headers and the short fields around the file.
ENVELOPE_BYTES = 16 * 1024

UPLOAD_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file", "kind"],
                "properties": {
                    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                    "kind": {"type": "string", "enum": ["creative"]},
                },
            },
            "example": {"file": "(PNG, JPEG, WebP, GIF, MP4 or WebM)", "kind": "creative"},
        }
    },
}


@blueprint.route("", methods=["POST"])
@blueprint.requires("assets:write")
@blueprint.answers(201, schemas.Asset, example="asset")
@blueprint.doc(requestBody=UPLOAD_FORM)
def upload() -> Response:
    """Upload an image or a video; it is recognised by its content and prepared in the background."""
    once = given_key()
    key = f"incoming/{uuid.uuid4().hex}"
    try:
        form, content = receive(key)

        def register() -> Response:
            return created("asset", "register_upload", form, "/v1/assets")

        response = run_once(Claim.of(once, content), register) if once else register()
    except Exception:
        state().objects.delete(key)
        raise
    if REPLAYED in response.headers or response.status_code >= 400:
        state().objects.delete(key)
    return response


@blueprint.route("/<id:asset_id>")
@blueprint.requires("assets:read")
@blueprint.answers(200, schemas.Asset, example="asset")
def get_asset(asset_id: str) -> Response:
    """An asset, with its variants once they are ready."""
    return read("asset", "get", {"asset_id": asset_id})


def receive(key: str) -> tuple[dict[str, Any], bytes]:
    """Streams the file into the object store under `key`.

    Returns what is to be registered with the asset service, and what tells this upload from others: a body
    that is sent again has another boundary.
    """
    limit = state().settings.max_upload_bytes
    request.max_content_length = limit + ENVELOPE_BYTES
    if (request.content_length or 0) > limit + ENVELOPE_BYTES:
        raise UploadTooLarge(f"At most {limit} bytes are taken.")
    incoming = Upload(request.stream, boundary_of(request.mimetype, request.mimetype_params), limit)
    incoming.read(lambda reader: state().objects.put(key, cast(BinaryIO, reader)))
    form = {**incoming.fields, "filename": incoming.filename, "upload_key": key, "size": incoming.size}
    errors = schemas.RegisterUpload().validate(form)
    if errors:
        raise ValidationFailed("The request is not valid", errors)
    told = {**incoming.fields, "filename": incoming.filename, "sha256": incoming.sha256}
    return form, json.dumps(told, sort_keys=True).encode()
