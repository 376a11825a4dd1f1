"""The Nameko class of analytics: facts come in as events, reports go out over RPC."""

from chassis import runtime

runtime.patch()

from typing import Any

from eventlet import tpool
from nameko.timer import timer

from analytics import handlers, schemas, storage
from analytics.rendering import files, svg
from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler
from chassis.rpc.server import rpc
from chassis.service import Service
from chassis.sql import SqlInbox, SqlStore

# A batch of deliveries_accepted holds up to 200 showings each: 50 are 10,000 rows in one statement.
DELIVERY_BATCH = {"size": 50, "seconds": 0.1}
BATCH = {"size": 200, "seconds": 0.1}

# All but what comes with every batch of showings. Showings and postings reach on_deliveries and on_earnings,
# and an accrual says in advance what its posting says in full: a second copy of most of the platform's
# traffic would be written to the broker's disk only to be dropped here.
PARTICIPATION_EVENTS = (
    "participation_applied",
    "participation_approved",
    "participation_rejected",
    "participation_activated",
    "participation_paused",
    "participation_resumed",
    "participation_left",
    "participation_removed",
    "participation_completed",
    "campaign_heard",
    "manifest_changed",
    "overlay_link_replaced",
    "overlay_test_requested",
)
PAYMENT_EVENTS = (
    "deposit_succeeded",
    "deposit_reversed",
    "deposit_reinstated",
    "budget_reserved",
    "budget_returned",
    "earnings_released",
    "payout_requested",
    "payout_paid",
    "payout_failed",
)

SECONDS_BETWEEN_PARTITION_CHECKS = 3600


class AnalyticsService(Service):
    name = "analytics"

    inbox = SqlInbox()
    series = SqlStore(storage.SqlSeries)

    @batch_event_handler("participation", "deliveries_accepted", **DELIVERY_BATCH)
    def on_deliveries(self, events: list[ReceivedEvent]) -> None:
        handlers.record_deliveries(self.series, events)

    @batch_event_handler("payment", "earning_posted", **BATCH)
    def on_earnings(self, events: list[ReceivedEvent]) -> None:
        handlers.record_earnings(self.series, events)

    @batch_event_handler("identity", "#", **BATCH)
    def on_identity_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("brand", "#", **BATCH)
    def on_brand_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("streamer", "#", **BATCH)
    def on_streamer_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("asset", "#", **BATCH)
    def on_asset_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("campaign", "#", **BATCH)
    def on_campaign_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("participation", *PARTICIPATION_EVENTS, **BATCH)
    def on_participation_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("payment", *PAYMENT_EVENTS, **BATCH)
    def on_payment_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @batch_event_handler("notification", "#", **BATCH)
    def on_notification_events(self, events: list[ReceivedEvent]) -> None:
        handlers.record_business_events(self.series, events)

    @timer(interval=SECONDS_BETWEEN_PARTITION_CHECKS, eager=True)
    def make_partitions(self) -> None:
        handlers.make_partitions(self.series, self.clock)

    @rpc(callers={"gateway"})
    def campaign_summary(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignSummaryQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query.pop("campaign_id"))
        summary = handlers.summary(self.series, self.clock, scope, handlers.SummaryQuery(**query))
        return schemas.CampaignSummary().dump(summary)

    @rpc(callers={"gateway"})
    def campaign_timeseries(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignTimeseriesQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query.pop("campaign_id"))
        timeseries = handlers.timeseries(self.series, self.clock, scope, handlers.TimeseriesQuery(**query))
        return schemas.CampaignTimeseries().dump(timeseries)

    @rpc(callers={"gateway"})
    def campaign_breakdown(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignBreakdownQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query.pop("campaign_id"))
        breakdown = handlers.breakdown(self.series, self.clock, scope, handlers.BreakdownQuery(**query))
        return schemas.CampaignBreakdown().dump(breakdown)

    @rpc(callers={"gateway"})
    def campaign_funnel(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignFunnelQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query["campaign_id"])
        return schemas.CampaignFunnel().dump(handlers.funnel(self.series, scope))

    @rpc(callers={"gateway"})
    def streamer_summary(self, request: dict[str, Any]) -> dict[str, Any]:
        query = handlers.SummaryQuery(**schemas.StreamerSummaryQuery().load(request))
        scope = handlers.streamer_scope(self.principal)
        return schemas.StreamerSummary().dump(handlers.summary(self.series, self.clock, scope, query))

    @rpc(callers={"gateway"})
    def streamer_timeseries(self, request: dict[str, Any]) -> dict[str, Any]:
        query = handlers.TimeseriesQuery(**schemas.StreamerTimeseriesQuery().load(request))
        scope = handlers.streamer_scope(self.principal)
        return schemas.StreamerTimeseries().dump(handlers.timeseries(self.series, self.clock, scope, query))

    @rpc(callers={"gateway"})
    def streamer_breakdown(self, request: dict[str, Any]) -> dict[str, Any]:
        query = handlers.BreakdownQuery(**schemas.StreamerBreakdownQuery().load(request))
        scope = handlers.streamer_scope(self.principal)
        return schemas.StreamerBreakdown().dump(handlers.breakdown(self.series, self.clock, scope, query))

    @rpc(callers={"gateway"})
    def streamer_funnel(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.StreamerFunnelQuery().load(request)
        scope = handlers.streamer_scope(self.principal)
        return schemas.StreamerFunnel().dump(handlers.funnel(self.series, scope))

    @rpc(callers={"gateway"})
    def campaign_export(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignExportQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query.pop("campaign_id"))
        export = handlers.export(self.series, self.clock, scope, handlers.ExportQuery(**query))
        return schemas.ExportPage().dump(files.page(export))

    @rpc(callers={"gateway"})
    def streamer_export(self, request: dict[str, Any]) -> dict[str, Any]:
        query = handlers.ExportQuery(**schemas.StreamerExportQuery().load(request))
        scope = handlers.streamer_scope(self.principal)
        export = handlers.export(self.series, self.clock, scope, query)
        return schemas.ExportPage().dump(files.page(export))

    @rpc(callers={"gateway"})
    def campaign_chart(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignChartQuery().load(request)
        theme, campaign_id = query.pop("theme"), query.pop("campaign_id")
        scope = handlers.campaign_scope(self.series, self.principal, campaign_id)
        chart = handlers.chart(self.series, self.clock, scope, handlers.TimeseriesQuery(**query))
        return schemas.Chart().dump({"svg": svg.draw(chart, theme)})

    @rpc(callers={"gateway"})
    def streamer_chart(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.StreamerChartQuery().load(request)
        theme, scope = query.pop("theme"), handlers.streamer_scope(self.principal)
        chart = handlers.chart(self.series, self.clock, scope, handlers.TimeseriesQuery(**query))
        return schemas.Chart().dump({"svg": svg.draw(chart, theme)})

    @rpc(callers={"gateway"})
    def campaign_report(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.CampaignMonthlyReportQuery().load(request)
        scope = handlers.campaign_scope(self.series, self.principal, query["campaign_id"])
        report = handlers.monthly_report(self.series, self.clock, scope, query.get("month"))
        return schemas.PdfFile().dump(tpool.execute(files.printed, report))

    @rpc(callers={"gateway"})
    def streamer_report(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.MonthlyReportQuery().load(request)
        scope = handlers.streamer_scope(self.principal)
        report = handlers.monthly_report(self.series, self.clock, scope, query.get("month"))
        return schemas.PdfFile().dump(tpool.execute(files.printed, report))

    @rpc(callers={"gateway"})
    def brand_report(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.MonthlyReportQuery().load(request)
        scope = handlers.brand_scope(self.principal)
        report = handlers.monthly_report(self.series, self.clock, scope, query.get("month"))
        return schemas.PdfFile().dump(tpool.execute(files.printed, report))

    @rpc(callers={"operator"})
    def verify_rollups(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.OperatorQuery().load(request)
        return schemas.Verification().dump(self.series.verify())

    @rpc(callers={"operator"})
    def rebuild_rollups(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.OperatorQuery().load(request)
        self.series.rebuild()
        return schemas.Verification().dump(self.series.verify())
