"""The keys that access tokens are verified with."""

from __future__ import annotations

from flask import Response, jsonify

from gateway.backend import call
from gateway.rest import Resource
from identity import schemas

blueprint = Resource("keys", __name__, description="Public keys")


@blueprint.route("/.well-known/jwks.json")
@blueprint.answers(200, schemas.KeySet, example="jwks")
def jwks() -> Response:
    """The public keys that access tokens are signed with."""
    response = jsonify(call("identity", "jwks"))
    # A new key is published before it is used; five minutes are well within that time.
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
