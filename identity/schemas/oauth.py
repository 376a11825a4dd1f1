"""Sign-up, log-in and linking by an account at a streaming platform."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import PageQuery, Schema, UtcDateTime, page_of
from identity.schemas.parts import FromAddress

LONGEST_CODE = 2048
LONGEST_SECRET = 128
LONGEST_ERROR = 200

PROVIDER_NAMES = ("twitch", "youtube")


def provider() -> fields.String:
    return fields.String(
        required=True, validate=validate.OneOf(PROVIDER_NAMES), metadata={"example": "twitch"}
    )


class BeginOAuth(Schema):
    provider = provider()


class BegunOAuth(Schema):
    """Where the browser goes next; `binding` comes back as a cookie."""

    authorize_url = fields.String(required=True)
    binding = fields.String(required=True)
    expires_in = fields.Integer(required=True)


class OAuthDestination(Schema):
    """Send the browser there within `expires_in` seconds; it has the cookie that belongs to it."""

    authorize_url = fields.String(
        required=True, metadata={"example": "https://id.twitch.tv/oauth2/authorize?client_id=…&state=…"}
    )
    expires_in = fields.Integer(required=True, metadata={"example": 600})


class OAuthReturn(Schema):
    """What the provider appends to the callback's address: a code, or why there is none."""

    state = fields.String(required=True, validate=validate.Length(min=1, max=LONGEST_SECRET))
    code = fields.String(validate=validate.Length(min=1, max=LONGEST_CODE))
    error = fields.String(validate=validate.Length(min=1, max=LONGEST_ERROR))


class FinishOAuth(OAuthReturn, FromAddress):
    provider = provider()
    binding = fields.String(required=True, validate=validate.Length(max=LONGEST_SECRET))


class ProviderLink(Schema):
    """An account at a platform that lets in. Not usable: the platform has withdrawn its tokens."""

    provider = provider()
    username = fields.String(required=True, metadata={"example": "nova"})
    linked_at = UtcDateTime(required=True)
    is_usable = fields.Boolean(required=True)


class ListProviderLinks(PageQuery):
    pass


ProviderLinkPage = page_of(ProviderLink)


class UnlinkProvider(Schema):
    provider = provider()


class ProviderToken(Schema):
    """For the service that reads a channel's figures in the streamer's name."""

    account_id = fields.String(required=True, validate=validate.Length(max=64))
    provider = provider()


class ProviderTokens(Schema):
    access_token = fields.String(required=True)
    expires_at = UtcDateTime(required=True)
