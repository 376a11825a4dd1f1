"""The published language of the campaign service, over RPC and over HTTP.

Bounds of single fields are here; rules across fields and states are the domain's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import fields, validate

from chassis.schema import (
    Expecting,
    IdField,
    MoneyField,
    PageQuery,
    Schema,
    StrictInteger,
    UtcDateTime,
    page_of,
)

STATES = ("draft", "pending_review", "approved", "active", "paused", "completed", "cancelled")
PLACEMENTS = ("banner", "corner", "full_screen")
PLATFORMS = ("twitch", "youtube", "tiktok", "other")
COMPENSATIONS = ("cpm", "flat_rate", "hybrid")

MAX_PRICE_MINOR = 10**9
"""Ten million in major units for a thousand viewers or one streamer: a typing error above that."""

MOST_HEADS = 10**9
"""More people than any channel has, and far from what a 64-bit integer holds."""

MAX_DURATION_S = 60
"""The longest video that the asset service takes."""

SECONDS_PER_DAY, SECONDS_PER_HOUR = 86_400, 3_600

ANY_DAY = validate.Range(
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2100, 1, 1, tzinfo=UTC),
    error="Must be in this century.",
)
NO_CONTROL = validate.Regexp(r"\A[^\x00-\x1f\x7f]*\Z", error="Must not have control characters.")
NO_CONTROL_BUT_LINES = validate.Regexp(
    r"\A[^\x00-\x08\x0b-\x1f\x7f]*\Z", error="Must not have control characters."
)
NOT_BLANK = validate.Regexp(r"[\s\S]*\S", error="Must not be blank.")
NAME = validate.And(validate.Length(min=1, max=120), NO_CONTROL, NOT_BLANK)
WORD = validate.And(validate.Length(min=1, max=50), NO_CONTROL, NOT_BLANK)
REASON = validate.And(validate.Length(min=1, max=1_000), NO_CONTROL_BUT_LINES, NOT_BLANK)
DESCRIPTION = validate.And(validate.Length(max=5_000), NO_CONTROL_BUT_LINES)
COUNTRY = validate.Regexp(r"\A[A-Z]{2}\Z", error="Must be an ISO 3166-1 alpha-2 code, such as DE.")
LANGUAGE = validate.Regexp(
    r"\A[a-z]{2,3}(-[A-Z]{2})?\Z", error="Must be a language tag, such as en or pt-BR."
)
AGE_RANGE = validate.Regexp(
    r"\A[0-9]{2}(-[0-9]{2}|\+)\Z", error="Must be an age range, such as 18-24 or 65+."
)


def _texts(each: Any, most: int) -> fields.List[str]:
    return fields.List(fields.String(validate=each), validate=validate.Length(max=most), load_default=list)


def _integer(least: int, most: int, **options: Any) -> StrictInteger:
    return StrictInteger(validate=validate.Range(least, most), **options)


class Targeting(Schema):
    """Whom the brand wants to reach; an empty list does not restrict."""

    countries = _texts(COUNTRY, 250)
    languages = _texts(LANGUAGE, 50)
    age_ranges = _texts(AGE_RANGE, 10)
    interests = _texts(WORD, 50)


class Requirements(Schema):
    """What a streamer must bring; an empty list does not restrict."""

    min_average_viewers = _integer(0, MOST_HEADS, load_default=0)
    min_followers = _integer(0, MOST_HEADS, load_default=0)
    content_categories = _texts(WORD, 50)
    platforms = _texts(validate.OneOf(PLATFORMS), len(PLATFORMS))


class NewCreative(Schema):
    asset_id = IdField("ast", required=True)
    placement = fields.String(required=True, validate=validate.OneOf(PLACEMENTS))
    duration_s = _integer(1, MAX_DURATION_S, required=True)
    weight = _integer(1, 100, load_default=1)


class Creative(NewCreative):
    creative_id = fields.String(dump_only=True)


class Compensation(Schema):
    """In minor units of the budget's currency."""

    type = fields.String(required=True, validate=validate.OneOf(COMPENSATIONS))
    cpm_minor = _integer(0, MAX_PRICE_MINOR, load_default=0)
    flat_minor = _integer(0, MAX_PRICE_MINOR, load_default=0)
    required_deliveries = _integer(0, 1_000_000, load_default=0)


class Frequency(Schema):
    """How often one overlay may show the campaign."""

    min_seconds_between = _integer(0, SECONDS_PER_DAY, load_default=60)
    max_per_hour = _integer(1, SECONDS_PER_HOUR, load_default=12)
    max_per_stream = _integer(1, 10_000, load_default=100)


class _Offered(Schema):
    """The fields of a brief that streamers may see too."""

    name = fields.String(validate=NAME)
    description = fields.String(validate=DESCRIPTION)
    start_at = UtcDateTime(validate=ANY_DAY)
    end_at = UtcDateTime(validate=ANY_DAY)
    targeting = fields.Nested(Targeting)
    requirements = fields.Nested(Requirements)
    compensation = fields.Nested(Compensation)
    approval = fields.String(validate=validate.OneOf(["auto", "manual"]))
    frequency = fields.Nested(Frequency)
    pacing = fields.String(validate=validate.OneOf(["even", "asap"]))
    max_participants = _integer(1, 100_000)
    category = fields.String(validate=WORD)


class _Changes(_Offered):
    budget = MoneyField(minimum_minor=1)
    creatives = fields.List(fields.Nested(NewCreative), validate=validate.Length(max=20))
    blocked_streamers = fields.List(IdField("str"), validate=validate.Length(max=1_000))


class CreateCampaign(_Changes):
    """A new draft. What is left out is unrestricted, or the usual."""

    name = fields.String(required=True, validate=NAME)
    description = fields.String(load_default="", validate=DESCRIPTION)
    budget = MoneyField(minimum_minor=1, required=True)
    start_at = UtcDateTime(required=True, validate=ANY_DAY)
    end_at = UtcDateTime(required=True, validate=ANY_DAY)
    targeting = fields.Nested(Targeting, load_default=lambda: Targeting().load({}))
    requirements = fields.Nested(Requirements, load_default=lambda: Requirements().load({}))
    creatives = fields.List(fields.Nested(NewCreative), load_default=list, validate=validate.Length(max=20))
    compensation = fields.Nested(Compensation, required=True)
    approval = fields.String(load_default="manual", validate=validate.OneOf(["auto", "manual"]))
    frequency = fields.Nested(Frequency, load_default=lambda: Frequency().load({}))
    pacing = fields.String(load_default="even", validate=validate.OneOf(["even", "asap"]))
    max_participants = _integer(1, 100_000, load_default=1_000)
    blocked_streamers = fields.List(IdField("str"), load_default=list, validate=validate.Length(max=1_000))
    category = fields.String(load_default="general", validate=WORD)


class CampaignRef(Schema):
    campaign_id = IdField("cmp", required=True)


class CampaignRefs(Schema):
    campaign_ids = fields.List(IdField("cmp"), required=True, validate=validate.Length(max=100))


class UpdateCampaign(_Changes, CampaignRef, Expecting):
    """The fields to change; a nested object or a list is replaced as a whole."""


class RejectCampaign(CampaignRef):
    reason = fields.String(required=True, validate=REASON)


class ListCampaigns(PageQuery):
    status = fields.String(validate=validate.OneOf(STATES))


class CampaignHistory(PageQuery, CampaignRef):
    """A page of one campaign's audit trail."""


class CheckJoining(CampaignRef):
    streamer_id = IdField("str", required=True)


class _OfCampaign(Schema):
    """Reads the fields of a brief from the campaign's brief."""

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        owner = obj if hasattr(obj, attr) else obj.brief
        return super().get_attribute(owner, attr, default)


class PublicCampaign(_OfCampaign, _Offered):
    """What streamers see."""

    id = fields.String()
    brand_id = fields.String()
    status = fields.String(validate=validate.OneOf(STATES))
    currency = fields.String()
    funded = fields.Boolean(attribute="is_funded")
    creatives = fields.List(fields.Nested(Creative))
    participants = fields.Integer()
    places_left = fields.Integer()
    created_at = UtcDateTime()
    updated_at = UtcDateTime()


class Campaign(PublicCampaign):
    """What its brand and the admins see."""

    budget = MoneyField()
    blocked_streamers = fields.List(fields.String())
    spent = MoneyField()
    pending_budget = MoneyField(allow_none=True)
    returned = MoneyField(allow_none=True)
    rejection_reason = fields.String(allow_none=True)
    activation_error = fields.String(allow_none=True)
    version = fields.Integer()


def campaign_for(kind: str) -> PublicCampaign:
    """How an account of this kind sees a campaign."""
    return PublicCampaign() if kind == "streamer" else Campaign()


class Offer(Schema):
    campaign = fields.Nested(PublicCampaign)
    eligible = fields.Boolean()
    reasons = fields.List(fields.String(metadata={"example": "average_viewers 34, needs 50"}))


class HistoryEntry(Schema):
    """One event of the audit trail; `actor` is the account that caused it, null for the platform."""

    id = fields.String()
    type = fields.String()
    version = fields.Integer()
    time = UtcDateTime()
    aggregate_version = fields.Integer()
    data = fields.Dict()
    actor = fields.String(allow_none=True)


CampaignPage = page_of(Campaign)
MarketplacePage = page_of(Offer)
HistoryPage = page_of(HistoryEntry)


class Terms(_OfCampaign):
    compensation = fields.Nested(Compensation)
    currency = fields.String()


class DeliveryPlan(_OfCampaign):
    """What overlays may show, and how often."""

    campaign_id = fields.String(attribute="id")
    status = fields.String()
    creatives = fields.List(fields.Nested(Creative))
    frequency = fields.Nested(Frequency)
    pacing = fields.String()
    start_at = UtcDateTime()
    end_at = UtcDateTime()


class DeliveryPlans(Schema):
    plans = fields.List(fields.Nested(DeliveryPlan))


class Joining(DeliveryPlan):
    """What participation decides on an application with; `eligibility` is the streamer service's answer."""

    brand_id = fields.String()
    name = fields.String()
    funded = fields.Boolean(attribute="is_funded")
    approval = fields.String()
    category = fields.String()
    terms = fields.Function(lambda joining: Terms().dump(joining.campaign))
    max_participants = fields.Integer()
    eligible = fields.Boolean()
    reasons = fields.List(fields.String())
    eligibility = fields.Dict()

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        owner = obj if hasattr(obj, attr) else obj.campaign
        return super().get_attribute(owner, attr, default)
