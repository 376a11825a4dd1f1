"""The keys that access tokens are verified with."""

from __future__ import annotations

from marshmallow import fields

from chassis.schema import Schema


class Key(Schema):
    """A public key as a JSON Web Key (RFC 8037)."""

    kty = fields.String(required=True, metadata={"example": "OKP"})
    crv = fields.String(required=True, metadata={"example": "Ed25519"})
    x = fields.String(required=True)
    kid = fields.String(required=True)
    use = fields.String(required=True, metadata={"example": "sig"})
    alg = fields.String(required=True, metadata={"example": "EdDSA"})


class KeySet(Schema):
    """The JSON Web Key Set that access tokens are verified with."""

    keys = fields.List(fields.Nested(Key), required=True)
