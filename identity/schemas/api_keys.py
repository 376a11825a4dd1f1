"""API keys."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of
from identity.schemas.parts import line

MOST_SCOPES = 50
LONGEST_KEY = 80


def scopes() -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.Length(min=1, max=60)),
        required=True,
        validate=validate.Length(min=1, max=MOST_SCOPES),
        metadata={"example": ["campaigns:read", "analytics:read"]},
    )


class CreateApiKey(Schema):
    """A key for a program; its scopes are among those of whoever makes it."""

    name = line(80, "Reporting server")
    scopes = scopes()
    expires_at = UtcDateTime(load_default=None, allow_none=True)


class ApiKey(Schema):
    """A key as its owner sees it later on; `prefix` is how it begins."""

    id = IdField("key", required=True)
    name = line(80, "Reporting server")
    prefix = fields.String(required=True, metadata={"example": "gtk_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    scopes = scopes()
    created_at = UtcDateTime(required=True)
    last_used_at = UtcDateTime(required=True, allow_none=True)
    expires_at = UtcDateTime(required=True, allow_none=True)
    made_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The member who made it, with whom it ends; null for the brand's account."},
    )


class CreatedApiKey(ApiKey):
    """The whole key is in `key`, this once; only its hash is kept."""

    key = fields.String(required=True)


ApiKeyPage = page_of(ApiKey)


class ListApiKeys(PageQuery):
    pass


class GetApiKey(Schema):
    key_id = IdField("key", required=True)


class RevokeApiKey(GetApiKey):
    pass


class ExchangeApiKey(Schema):
    key = fields.String(required=True, load_only=True, validate=validate.Length(min=1, max=LONGEST_KEY))


class Exchanged(Schema):
    """What the gateway calls services with in the key's name, for `expires_in` seconds."""

    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True)
