"""Media files under signed, expiring addresses: immutable, cacheable, readable in ranges."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header

from chassis.errors import Forbidden, NotFound
from chassis.signed_urls import verify
from gateway import documentation
from gateway.rest import Resource
from gateway.state import state

blueprint = Resource("media", __name__, description="Signed delivery of images and videos")

EXPIRES = re.compile(r"[0-9]{1,12}")
CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
OTHERWISE = "application/octet-stream"
SERVED = sorted({*CONTENT_TYPES.values(), OTHERWISE})


@blueprint.route("/media/<path:key>")
@blueprint.refuses(403, 416)
@blueprint.answers(200, content_type=SERVED)
@blueprint.answers(206, content_type=SERVED)
@blueprint.doc(
    responses={"304": documentation.NOT_MODIFIED},
    parameters=[
        {"in": "query", "name": name, "required": True, "schema": {"type": "string"}}
        for name in ("expires", "signature")
    ],
)
def get_media(key: str) -> Response:
    """A file, by an address that was signed for it."""
    seconds_left = check_signature(key)
    objects = state().objects
    if not objects.exists(key):
        raise NotFound("There is no such file.")
    response = partial(key, objects.size(key))
    suffix = PurePosixPath(key).suffix.lower()
    response.content_type = CONTENT_TYPES.get(suffix, OTHERWISE)
    response.headers["Cache-Control"] = f"public, max-age={seconds_left}, immutable"
    # Brands show their own creatives in pages of their own.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response


def check_signature(key: str) -> int:
    """The seconds that an address is still good for; raises when it was not signed by us, or has expired."""
    now = state().clock.now()
    secret = state().settings.media_signing_key.reveal()
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    # Without a key everybody could sign.
    if not secret or not EXPIRES.fullmatch(expires):
        raise Forbidden("The address is not signed.")
    verify(f"/media/{key}", int(expires), signature, secret, now)
    return max(int(expires) - int(now.timestamp()), 0)


def partial(key: str, size: int) -> Response:
    """The whole file, or the range that was asked for (RFC 9110, 14.2); several ranges get the whole."""
    etag = hashlib.sha256(key.encode()).hexdigest()[:32]
    start, stop, status = 0, size, 200
    wanted = parse_range_header(request.headers.get("Range"))
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1 and is_same_version(etag):
        found = wanted.range_for_length(size)
        if found is None:
            raise RequestedRangeNotSatisfiable(size)
        (start, stop), status = found, 206
    response = Response(state().objects.open(key, start, stop - start), status)
    response.headers["Accept-Ranges"] = "bytes"
    response.content_length = stop - start
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response.set_etag(etag)
    return response


def is_same_version(etag: str) -> bool:
    condition = request.if_range
    return (condition.etag is None and condition.date is None) or condition.etag == etag
