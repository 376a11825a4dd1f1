"""The published language of the streamer service, over RPC and over HTTP."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Expecting, IdField, Schema, StrictInteger, UtcDateTime

PLATFORM_NAMES = ("twitch", "youtube", "tiktok", "other")
COUNTRY = validate.Regexp(
    r"\A([A-Z]{2})?\Z", error="Must be an ISO 3166-1 alpha-2 code, such as DE, or empty."
)
LANGUAGE = validate.Regexp(
    r"\A[a-z]{2,3}(-[A-Z]{2})?\Z", error="Must be a language tag, such as en or pt-BR."
)
AGE_RANGE = validate.Regexp(
    r"\A[0-9]{2}(-[0-9]{2}|\+)\Z", error="Must be an age range, such as 18-24 or 65+."
)
MOST_HEADS = 1_000_000_000
"""More people than any channel has, and far from what a 64-bit integer holds."""

TEXT = validate.And(
    validate.Length(min=1, max=100),
    validate.Regexp(r"\A[^\x00-\x1f\x7f]*\Z", error="Must not have control characters."),
)


PLAIN_ADDRESS = validate.Regexp(
    r"\Ahttps://([A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]+([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?\Z",
    error="Must be an https address without user, port or characters beyond ASCII.",
)
"""Two spellings of one address would be two channels, and a user before the host looks like a host."""


class StreamerRef(Schema):
    streamer_id = IdField("str", required=True)


class Empty(Schema):
    """A request or an answer without content."""


class Demographics(Schema):
    primary_country = fields.String(validate=COUNTRY)
    languages = fields.List(fields.String(validate=LANGUAGE), validate=validate.Length(max=20))
    audience_age_ranges = fields.List(fields.String(validate=AGE_RANGE), validate=validate.Length(max=10))
    audience_interests = fields.List(fields.String(validate=TEXT), validate=validate.Length(max=50))


class UpdateProfile(Expecting):
    display_name = fields.String(validate=TEXT)
    demographics = fields.Nested(Demographics)


class PlatformRef(Schema):
    name = fields.String(required=True, validate=validate.OneOf(PLATFORM_NAMES))


class LinkPlatform(PlatformRef):
    username = fields.String(required=True, validate=TEXT)
    channel_url = fields.Url(schemes={"https"}, validate=[validate.Length(max=300), PLAIN_ADDRESS])


class Metrics(Schema):
    """Figures of a channel, in heads. What an admin leaves out stays as it was observed."""

    followers = StrictInteger(validate=validate.Range(0, MOST_HEADS))
    average_viewers = StrictInteger(validate=validate.Range(0, MOST_HEADS))
    peak_viewers = StrictInteger(validate=validate.Range(0, MOST_HEADS))
    content_category = fields.List(fields.String(validate=TEXT), validate=validate.Length(max=20))


class Verification(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["verified", "rejected"]))
    metrics = fields.Nested(Metrics, load_default=dict)


class VerifyPlatform(StreamerRef, PlatformRef, Verification):
    """An admin's decision about one channel of one streamer."""


class SetPayoutMethod(Schema):
    method = fields.String(required=True, validate=validate.OneOf(["bank", "paypal", "stripe"]))
    account_holder = fields.String(required=True, validate=TEXT)
    account_details = fields.String(required=True, validate=validate.Length(min=1, max=200))


class Platform(Schema):
    name = fields.String()
    username = fields.String()
    channel_url = fields.String()
    metrics = fields.Nested(Metrics)
    verification_status = fields.String(attribute="status")


class PayoutMethod(Schema):
    """`account_details` is masked."""

    method = fields.String()
    account_holder = fields.String()
    account_details = fields.String(attribute="masked_details")


class Profile(Schema):
    id = fields.String()
    email = fields.String()
    display_name = fields.String()
    platforms = fields.List(fields.Nested(Platform))
    demographics = fields.Nested(Demographics)
    payout_method = fields.Nested(PayoutMethod, allow_none=True)
    created_at = UtcDateTime()
    updated_at = UtcDateTime()
    version = fields.Integer()


class PublicProfile(Schema):
    """What everybody may know of a streamer: the verified channels and nothing personal."""

    id = fields.String()
    display_name = fields.String()
    platforms = fields.List(fields.Nested(Platform), attribute="verified_platforms")


class EligiblePlatform(Schema):
    """A verified channel, as campaigns measure it."""

    name = fields.String()
    username = fields.String()
    followers = fields.Integer(attribute="metrics.followers")
    average_viewers = fields.Integer(attribute="metrics.average_viewers")
    peak_viewers = fields.Integer(attribute="metrics.peak_viewers")
    content_categories = fields.List(fields.String(), attribute="metrics.content_category")


class Eligibility(Schema):
    streamer_id = fields.String(attribute="id")
    verified = fields.Function(lambda streamer: bool(streamer.verified_platforms))
    platforms = fields.List(fields.Nested(EligiblePlatform), attribute="verified_platforms")
    primary_country = fields.String(attribute="demographics.primary_country")
    languages = fields.List(fields.String(), attribute="demographics.languages")
    audience_age_ranges = fields.List(fields.String(), attribute="demographics.audience_age_ranges")
    audience_interests = fields.List(fields.String(), attribute="demographics.audience_interests")


class Audience(Schema):
    live = fields.Boolean()
    viewers = fields.Integer()
    platform = fields.String()
    country = fields.String()
    sampled_at = UtcDateTime()


class PayoutDestination(Schema):
    """For payment alone: `account_details` is in clear."""

    streamer_id = fields.String()
    verified = fields.Boolean()
    method = fields.String(allow_none=True)
    account_holder = fields.String(allow_none=True)
    account_details = fields.String(allow_none=True)


class StreamerRegistered(Schema):
    """What this service needs of identity's event; the event may grow."""

    class Meta:
        unknown = "exclude"

    account_id = IdField("str", required=True)
    email = fields.String(required=True)
    display_name = fields.String(required=True)
