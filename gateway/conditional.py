"""Reads that say what they answered, so that a client which has it is not sent it again, and changes that are
meant for what was read (RFC 9110, 13).

The tag of a resource that can be changed begins with its version: `"v7-…"`. If-Match takes the version from
it and the service compares, in the same step in which it saves; the rest of the tag is about the bytes alone.
"""

from __future__ import annotations

import hashlib
import re

from flask import Flask, Response, request

from chassis.errors import BadRequest
from chassis.schema import MOST_EXPECTED

DIGEST_BYTES = 12
TAG = re.compile(r'\s*(?:(W/)?"([\x21\x23-\x7e]*)")\s*')
# Put together from what was read, for this answer. Files have tags of their own.
TAGGED = frozenset({"application/json", "image/svg+xml", "text/csv"})
VERSION = re.compile(r"v([0-9]{1,9})-.*")


def register(app: Flask) -> None:
    app.after_request(answer_conditionally)


def answer_conditionally(response: Response) -> Response:
    """A strong ETag over the bytes of an answer; 304 without them when the client names that one."""
    if request.method not in ("GET", "HEAD") or not is_tagged(response):
        return response
    if "ETag" not in response.headers:
        response.headers["ETag"] = tag(response.get_data())
    if "If-None-Match" in request.headers:
        response.make_conditional(request)
    return response


def is_tagged(response: Response) -> bool:
    return response.status_code == 200 and response.is_sequence and response.mimetype in TAGGED


def tag(body: bytes, version: int | None = None) -> str:
    digest = hashlib.blake2b(body, digest_size=DIGEST_BYTES).hexdigest()
    return f'"{digest}"' if version is None else f'"v{version}-{digest}"'


def expected_versions() -> dict[str, list[int]]:
    """What If-Match asks of a service, as part of its request. A tag that is not ours matches no version."""
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return {}
    tags = [TAG.fullmatch(one) for one in given.split(",")]
    if None in tags or len(tags) > MOST_EXPECTED:
        raise BadRequest("If-Match takes ETags, each in double quotes, or an asterisk.")
    # Versions compare strongly: a weak tag matches nothing.
    strong = [VERSION.fullmatch(found[2]) for found in tags if found and not found[1]]
    return {"expected_versions": [int(version[1]) for version in strong if version]}
