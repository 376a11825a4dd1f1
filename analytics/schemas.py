"""Analytics' published language: what may be asked, and the shape of each report."""

from marshmallow import fields, validate

from chassis.schema import IdField, Schema, UtcDateTime

METRICS = (
    "rendered",
    "qualified",
    "viewer_impressions",
    "visible_ms",
    "gross_minor",
    "platform_fee_minor",
    "net_minor",
)
BUCKETS = ("minute", "hour", "day")
CAMPAIGN_DIMENSIONS = ("streamer", "creative", "placement", "platform", "country")
STREAMER_DIMENSIONS = ("campaign", "creative", "placement", "platform", "country")


class ReportQuery(Schema):
    """`from` is included, `to` is not; both are widened to whole buckets."""

    since = UtcDateTime(data_key="from")
    until = UtcDateTime(data_key="to")
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}\Z"))


class StreamerSummaryQuery(ReportQuery):
    pass


class StreamerTimeseriesQuery(ReportQuery):
    metric = fields.String(required=True, validate=validate.OneOf(METRICS))
    bucket = fields.String(load_default="hour", validate=validate.OneOf(BUCKETS))


class StreamerBreakdownQuery(ReportQuery):
    by = fields.String(required=True, validate=validate.OneOf(STREAMER_DIMENSIONS))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class StreamerFunnelQuery(Schema):
    pass


class CampaignSummaryQuery(StreamerSummaryQuery):
    campaign_id = IdField("cmp", required=True)


class CampaignTimeseriesQuery(StreamerTimeseriesQuery):
    campaign_id = IdField("cmp", required=True)


class CampaignBreakdownQuery(StreamerBreakdownQuery):
    campaign_id = IdField("cmp", required=True)
    by = fields.String(required=True, validate=validate.OneOf(CAMPAIGN_DIMENSIONS))


class CampaignFunnelQuery(Schema):
    campaign_id = IdField("cmp", required=True)


class OperatorQuery(Schema):
    """The operator's commands take nothing."""


class Figures(Schema):
    """Sums as `definitions` describes them. Money is null where none can be attributed."""

    rendered = fields.Integer()
    qualified = fields.Integer()
    viewer_impressions = fields.Integer()
    visible_ms = fields.Integer()
    gross_minor = fields.Integer(allow_none=True)
    platform_fee_minor = fields.Integer(allow_none=True)
    net_minor = fields.Integer(allow_none=True)
    currency = fields.String()


class Definitions(Schema):
    definitions = fields.Dict(keys=fields.String(), values=fields.String())


class Report(Definitions):
    since = UtcDateTime(attribute="period.since", data_key="from")
    until = UtcDateTime(attribute="period.until", data_key="to")


class Summary(Report):
    figures = fields.Nested(Figures)
    currencies = fields.List(fields.String())


class Point(Schema):
    at = UtcDateTime()
    value = fields.Integer()


class Timeseries(Report):
    metric = fields.String()
    bucket = fields.String()
    currency = fields.String(allow_none=True)
    points = fields.List(fields.Nested(Point))


class Part(Schema):
    key = fields.String()
    figures = fields.Nested(Figures)


class Breakdown(Report):
    by = fields.String()
    items = fields.List(fields.Nested(Part), attribute="parts")
    truncated = fields.Boolean()


class FunnelSteps(Schema):
    applied = fields.Integer()
    approved = fields.Integer()
    delivering = fields.Integer()
    paid = fields.Integer()


class Funnel(Definitions):
    funnel = fields.Nested(FunnelSteps)


class OfCampaign(Schema):
    campaign_id = fields.String(attribute="scope.id")


class OfStreamer(Schema):
    streamer_id = fields.String(attribute="scope.id")


class CampaignSummary(OfCampaign, Summary):
    pass


class CampaignTimeseries(OfCampaign, Timeseries):
    pass


class CampaignBreakdown(OfCampaign, Breakdown):
    pass


class CampaignFunnel(OfCampaign, Funnel):
    pass


class StreamerSummary(OfStreamer, Summary):
    pass


class StreamerTimeseries(OfStreamer, Timeseries):
    pass


class StreamerBreakdown(OfStreamer, Breakdown):
    pass


class StreamerFunnel(OfStreamer, Funnel):
    pass


class Verification(Schema):
    equal = fields.Boolean()
    rollups = fields.Integer()
    differences = fields.Integer()


class Nothing(Schema):
    pass
