"""The keys that access tokens are verified with."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Schema, UtcDateTime


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


class WithdrawSigningKey(Schema):
    kid = fields.String(required=True, validate=validate.Length(min=1, max=64))


class SigningKey(Schema):
    """What an operator is told of a key: nothing that is secret."""

    kid = fields.String(required=True)
    state = fields.String(
        required=True, metadata={"example": "published, signing, retiring, retired or withdrawn"}
    )
    made_at = UtcDateTime(required=True)
    signs_from = UtcDateTime(required=True)
    retires_at = UtcDateTime(required=True, allow_none=True)
    withdrawn_at = UtcDateTime(required=True, allow_none=True)


class SigningKeys(Schema):
    """Newest first."""

    keys = fields.List(fields.Nested(SigningKey), required=True)
