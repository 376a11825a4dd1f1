"""Analytics' published language: what may be asked, and the shape of each report."""

import re
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from chassis.pagination import MAX_CURSOR_LENGTH
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
THEMES = ("auto", "light", "dark")
MONTH = r"^20[2-9][0-9]-(0[1-9]|1[0-2])$"
STREAMER_DIMENSIONS = ("campaign", "creative", "placement", "platform", "country")


class Month(fields.Field[datetime]):
    """A calendar month, `2026-10`; loads to its first moment in UTC, dumps as it was."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        described = {"type": "string", "pattern": MONTH, "example": "2026-10"}
        self.metadata = {**described, **self.metadata}

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.strftime("%Y-%m")

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str) or not re.fullmatch(MONTH.rstrip("$"), value):
            raise ValidationError("Not a month as in 2026-10.")
        year, _, month = value.partition("-")
        return datetime(int(year), int(month), 1, tzinfo=UTC)


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


class StreamerExportQuery(ReportQuery):
    """Without `by` the rows are not split; `cursor` is for the pages of one export."""

    bucket = fields.String(load_default="day", validate=validate.OneOf(BUCKETS))
    by = fields.String(validate=validate.OneOf(STREAMER_DIMENSIONS))
    cursor = fields.String(validate=validate.Length(max=MAX_CURSOR_LENGTH))


class StreamerChartQuery(ReportQuery):
    """`theme=auto` follows the reader's own setting."""

    metric = fields.String(load_default="qualified", validate=validate.OneOf(METRICS))
    bucket = fields.String(load_default="day", validate=validate.OneOf(BUCKETS))
    theme = fields.String(load_default="auto", validate=validate.OneOf(THEMES))


class MonthlyReportQuery(Schema):
    """The last month that is over, unless one is named; the one that is not over goes up to now."""

    month = Month()


class CampaignSummaryQuery(StreamerSummaryQuery):
    campaign_id = IdField("cmp", required=True)


class CampaignTimeseriesQuery(StreamerTimeseriesQuery):
    campaign_id = IdField("cmp", required=True)


class CampaignBreakdownQuery(StreamerBreakdownQuery):
    campaign_id = IdField("cmp", required=True)
    by = fields.String(required=True, validate=validate.OneOf(CAMPAIGN_DIMENSIONS))


class CampaignFunnelQuery(Schema):
    campaign_id = IdField("cmp", required=True)


class CampaignExportQuery(StreamerExportQuery):
    campaign_id = IdField("cmp", required=True)
    by = fields.String(validate=validate.OneOf(CAMPAIGN_DIMENSIONS))


class CampaignChartQuery(StreamerChartQuery):
    campaign_id = IdField("cmp", required=True)


class CampaignMonthlyReportQuery(MonthlyReportQuery):
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


class Comparison(Schema):
    """The period of the same length right before. A change is null where there was nothing before."""

    since = UtcDateTime(attribute="period.since", data_key="from")
    until = UtcDateTime(attribute="period.until", data_key="to")
    figures = fields.Nested(Figures)
    change_percent = fields.Dict(keys=fields.String(), values=fields.Integer(allow_none=True))


class Summary(Report):
    """`previous` is null where the period has no beginning of its own."""

    figures = fields.Nested(Figures)
    previous = fields.Nested(Comparison, allow_none=True)
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


class ExportPage(Schema):
    """The next page is asked for with its cursor and with this page's period and currency."""

    filename = fields.String()
    since = UtcDateTime(attribute="export.period.since", data_key="from")
    until = UtcDateTime(attribute="export.period.until", data_key="to")
    currency = fields.String(attribute="export.currency")
    content = fields.String()
    next_cursor = fields.String(attribute="export.next_cursor", allow_none=True)


class Chart(Schema):
    svg = fields.String()


class PdfFile(Schema):
    filename = fields.String(metadata={"example": "campaign-cmp_01jd2e7z5pf3rs8w6r8q6v2k1m-2026-10.pdf"})
    content_base64 = fields.String()


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
