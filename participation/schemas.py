"""The published language of participation, for RPC and for HTTP."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, PageQuery, Schema, StrictInteger, UtcDateTime, page_of
from chassis.schema import MoneyField as Money

STATUSES = ["applied", "approved", "rejected", "active", "paused", "completed", "left", "removed"]

REASON = validate.Length(min=1, max=500)

TOKEN = validate.Regexp(r"\A[A-Za-z0-9_-]{43}\Z", error="Not an overlay token.")
"""32 bytes in base64url without padding."""

MAX_BATCH = 200


class Nothing(Schema):
    """A request without a body."""


class CampaignRef(Schema):
    campaign_id = IdField("cmp", required=True)


class SettleCampaign(CampaignRef):
    """`currency` is that of a sum to which nobody has contributed."""

    currency = fields.String(load_default=None, validate=validate.Regexp(r"\A[A-Z]{3}\Z"))


class ParticipationRef(Schema):
    participation_id = IdField("prt", required=True)


class Reject(ParticipationRef):
    reason = fields.String(required=True, validate=REASON)


class Remove(ParticipationRef):
    reason = fields.String(required=True, validate=REASON)


class ListApplications(PageQuery):
    campaign_id = IdField("cmp", required=True)
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


class ListDeliveries(PageQuery):
    participation_id = IdField("prt", required=True)


class OverlayToken(Schema):
    token = fields.String(required=True, validate=TOKEN)


class PostDeliveries(OverlayToken):
    """A batch of showings. Each is checked by itself, so that one bad one does not cost the others."""

    session_id = fields.String(required=True, validate=validate.Length(min=1, max=64))
    deliveries = fields.List(
        fields.Raw(
            metadata={
                "type": "object",
                "description": "A showing: its id, seq, what was shown, when, visible_ms, and the proof.",
            }
        ),
        required=True,
        validate=validate.Length(max=MAX_BATCH),
    )


class Compensation(Schema):
    type = fields.String()
    cpm_minor = StrictInteger()
    flat_minor = StrictInteger()
    required_deliveries = StrictInteger()


class Terms(Schema):
    """What was frozen on approval."""

    compensation = fields.Nested(Compensation)
    currency = fields.String()
    platforms = fields.List(fields.Dict())
    frozen_at = UtcDateTime()


class Counts(Schema):
    """Showings; showings that were long enough on a live stream; estimated viewers of the latter."""

    rendered = fields.Integer()
    qualified = fields.Integer()
    viewer_impressions = fields.Integer()


class Participation(Schema):
    """`earned` is gross; `funded` is what of it the campaign's budget has paid."""

    id = fields.String()
    campaign_id = fields.String()
    campaign_name = fields.String()
    brand_id = fields.String()
    streamer_id = fields.String()
    status = fields.String()
    terms = fields.Nested(Terms, allow_none=True)
    applied_at = UtcDateTime()
    decided_at = UtcDateTime(allow_none=True)
    reason = fields.String(allow_none=True)
    counts = fields.Nested(Counts)
    earned = Money()
    funded = Money()


ParticipationPage = page_of(Participation)


class Delivery(Schema):
    """`viewers` is the audience sampled nearest to the showing, an estimate by the `formula` named."""

    id = fields.String()
    seq = fields.Integer()
    creative_id = fields.String()
    placement = fields.String()
    media = fields.String()
    started_at = UtcDateTime()
    ended_at = UtcDateTime()
    visible_ms = fields.Integer()
    qualified = fields.Boolean()
    viewers = fields.Integer()
    platform = fields.String(allow_none=True)
    country = fields.String(allow_none=True)
    formula = fields.String()


DeliveryPage = page_of(Delivery)


class Totals(Schema):
    """`gross` is earned; fee and net are what the ledger has booked; `unfunded` found no budget left."""

    gross = Money()
    platform_fee = Money()
    net = Money()
    unfunded = Money()


class Figures(Schema):
    gross = Money()
    counts = fields.Nested(Counts)


class Earnings(Schema):
    """`recomputed` follows from the stored deliveries alone and equals the figures beside it."""

    participation_id = fields.String()
    gross = Money(attribute="totals.gross")
    platform_fee = Money(attribute="totals.platform_fee")
    net = Money(attribute="totals.net")
    unfunded = Money(attribute="totals.unfunded")
    counts = fields.Nested(Counts)
    formula = fields.String()
    recomputed = fields.Nested(Figures)


class EarningsSummary(Schema):
    """In the currency of the newest participation; what was earned in others is in `others`."""

    participations = fields.Integer()
    counts = fields.Nested(Counts)
    gross = Money(attribute="totals.gross")
    platform_fee = Money(attribute="totals.platform_fee")
    net = Money(attribute="totals.net")
    unfunded = Money(attribute="totals.unfunded")
    others = fields.List(fields.Nested(Totals))


class Settlement(Schema):
    campaign_id = fields.String()
    earned = Money()


class Difference(Schema):
    participation_id = fields.String()
    figure = fields.String()
    stored = fields.Integer()
    recomputed = fields.Integer()


class EarningsAudit(Schema):
    """Empty `differences` mean that every figure follows from the stored deliveries."""

    campaign_id = fields.String()
    participations = fields.Integer()
    differences = fields.List(fields.Nested(Difference))


class Deviation(Schema):
    participation_id = fields.String()
    figure = fields.String()
    stored = fields.String()
    replayed = fields.String()


class Histories(Schema):
    """`equal` when everything that is stored of all participations follows from their events alone."""

    equal = fields.Boolean()
    participations = fields.Integer()
    differences = fields.List(fields.Nested(Deviation))


class OverlayLink(Schema):
    url = fields.String()
    token = fields.String()


class OverlayChannel(Schema):
    channel = fields.String()


class Session(Schema):
    id = fields.String()
    key = fields.String()
    expires_at = UtcDateTime()


class Turn(Schema):
    """How often one participation may be shown; who was not shown for longest comes first."""

    participation_id = fields.String()
    min_seconds_between = fields.Integer(attribute="frequency.min_seconds_between", allow_none=True)
    max_per_hour = fields.Integer(attribute="frequency.max_per_hour", allow_none=True)
    max_per_stream = fields.Integer(attribute="frequency.max_per_stream", allow_none=True)


class ManifestCreative(Schema):
    """`urls` are in the order in which to try them."""

    delivery_slot = fields.Integer()
    participation_id = fields.String()
    creative_id = fields.String()
    urls = fields.List(fields.String())
    media = fields.String()
    placement = fields.String()
    duration_s = fields.Integer()
    weight = fields.Integer()


class Manifest(Schema):
    """What to show, how often, and the key to prove it with."""

    session = fields.Nested(Session, attribute="issued")
    rotation = fields.List(fields.Nested(Turn))
    creatives = fields.List(fields.Nested(ManifestCreative))


class Refused(Schema):
    id = fields.String()
    reason = fields.String()


class DeliveriesPosted(Schema):
    """`accepted` counts the showings that are counted from now on; the others come with their reasons."""

    accepted = fields.Integer()
    refused = fields.List(fields.Nested(Refused))
