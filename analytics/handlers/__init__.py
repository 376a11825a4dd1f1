"""Analytics' use cases: record facts, and report on them."""

from analytics.handlers.recording import (
    make_partitions,
    record_business_events,
    record_deliveries,
    record_earnings,
)
from analytics.handlers.reporting import (
    BreakdownQuery,
    ExportQuery,
    SummaryQuery,
    TimeseriesQuery,
    brand_scope,
    breakdown,
    campaign_scope,
    chart,
    export,
    funnel,
    monthly_report,
    streamer_scope,
    summary,
    timeseries,
)

__all__ = [
    "BreakdownQuery",
    "ExportQuery",
    "SummaryQuery",
    "TimeseriesQuery",
    "brand_scope",
    "breakdown",
    "campaign_scope",
    "chart",
    "export",
    "funnel",
    "make_partitions",
    "monthly_report",
    "record_business_events",
    "record_deliveries",
    "record_earnings",
    "streamer_scope",
    "summary",
    "timeseries",
]
