"""Figures: of a campaign for its brand, and of the calling streamer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from flask import Response, g

from analytics import schemas
from chassis import context
from chassis.errors import Error
from gateway import live
from gateway.backend import call, read
from gateway.feed import session_topic
from gateway.live import Message
from gateway.rest import Resource
from gateway.state import state

blueprint = Resource(
    "analytics", __name__, url_prefix="/v1/analytics", description="Figures, each with its definition"
)

CAMPAIGN = "/campaigns/<id:campaign_id>"
OWN = "/streamers/me"
EVENT_STREAM = "text/event-stream"
CSV, PDF, SVG = "text/csv", "application/pdf", "image/svg+xml"

# A drawing brings its own colours and nothing else.
DRAWING = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"


@blueprint.route(f"{CAMPAIGN}/summary")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, schemas.CampaignSummary, example="campaign_summary")
@blueprint.query(schemas.CampaignSummaryQuery, without=["campaign_id"])
def get_campaign_summary(query: dict[str, Any], campaign_id: str) -> Response:
    """A campaign's totals."""
    return read("analytics", "campaign_summary", {**query, "campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/timeseries")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, schemas.CampaignTimeseries, example="campaign_timeseries")
@blueprint.query(schemas.CampaignTimeseriesQuery, without=["campaign_id"])
def get_campaign_timeseries(query: dict[str, Any], campaign_id: str) -> Response:
    """One figure of a campaign over time."""
    return read("analytics", "campaign_timeseries", {**query, "campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/breakdown")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, schemas.CampaignBreakdown, example="campaign_breakdown")
@blueprint.query(schemas.CampaignBreakdownQuery, without=["campaign_id"])
def get_campaign_breakdown(query: dict[str, Any], campaign_id: str) -> Response:
    """A campaign's figures by creative, streamer, platform, country or placement."""
    return read("analytics", "campaign_breakdown", {**query, "campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/funnel")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, schemas.CampaignFunnel, example="campaign_funnel")
def get_campaign_funnel(campaign_id: str) -> Response:
    """How many streamers came how far."""
    return read("analytics", "campaign_funnel", {"campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/live")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, content_type=EVENT_STREAM)
def watch_campaign(campaign_id: str) -> Response:
    """A campaign's totals as server-sent events named `figures`, sent when they change."""
    return watch("campaign_summary", {"campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/export.csv")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, content_type=CSV)
@blueprint.query(schemas.CampaignExportQuery, without=["campaign_id", "cursor"])
def export_campaign(query: dict[str, Any], campaign_id: str) -> Response:
    """A campaign's figures per bucket, for spreadsheets; `by` splits them. At most 20,000 rows."""
    return exported("campaign_export", {**query, "campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/report.pdf")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, content_type=PDF)
@blueprint.query(schemas.CampaignMonthlyReportQuery, without=["campaign_id"])
def print_campaign_report(query: dict[str, Any], campaign_id: str) -> Response:
    """A campaign's month to print, beside the month before; the last that is over unless one is named."""
    return printed("campaign_report", {**query, "campaign_id": campaign_id})


@blueprint.route(f"{CAMPAIGN}/chart.svg")
@blueprint.requires("analytics:read", "admin:campaigns", kinds=["brand", "admin"])
@blueprint.answers(200, content_type=SVG)
@blueprint.query(schemas.CampaignChartQuery, without=["campaign_id"])
def draw_campaign(query: dict[str, Any], campaign_id: str) -> Response:
    """One figure of a campaign over time, as a picture; `timeseries` has the same as data."""
    return drawn("campaign_chart", {**query, "campaign_id": campaign_id})


@blueprint.route("/brands/me/report.pdf")
@blueprint.requires("analytics:read", kinds=["brand"])
@blueprint.answers(200, content_type=PDF)
@blueprint.query(schemas.MonthlyReportQuery)
def print_brand_report(query: dict[str, Any]) -> Response:
    """The month of all campaigns of the calling brand to print; the last that is over unless one is named."""
    return printed("brand_report", query)


@blueprint.route(f"{OWN}/summary")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, schemas.StreamerSummary, example="streamer_summary")
@blueprint.query(schemas.StreamerSummaryQuery)
def get_own_summary(query: dict[str, Any]) -> Response:
    """The calling streamer's totals."""
    return read("analytics", "streamer_summary", query)


@blueprint.route(f"{OWN}/timeseries")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, schemas.StreamerTimeseries, example="streamer_timeseries")
@blueprint.query(schemas.StreamerTimeseriesQuery)
def get_own_timeseries(query: dict[str, Any]) -> Response:
    """One figure of the calling streamer over time."""
    return read("analytics", "streamer_timeseries", query)


@blueprint.route(f"{OWN}/breakdown")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, schemas.StreamerBreakdown, example="streamer_breakdown")
@blueprint.query(schemas.StreamerBreakdownQuery)
def get_own_breakdown(query: dict[str, Any]) -> Response:
    """The calling streamer's figures by campaign, creative, platform, country or placement."""
    return read("analytics", "streamer_breakdown", query)


@blueprint.route(f"{OWN}/funnel")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, schemas.StreamerFunnel, example="streamer_funnel")
def get_own_funnel() -> Response:
    """How far the calling streamer came in how many campaigns."""
    return read("analytics", "streamer_funnel")


@blueprint.route(f"{OWN}/live")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, content_type=EVENT_STREAM)
def watch_own_figures() -> Response:
    """The calling streamer's totals as server-sent events named `figures`, sent when they change."""
    return watch("streamer_summary", {})


@blueprint.route(f"{OWN}/export.csv")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, content_type=CSV)
@blueprint.query(schemas.StreamerExportQuery, without=["cursor"])
def export_own_figures(query: dict[str, Any]) -> Response:
    """The calling streamer's figures per bucket, for spreadsheets; `by` splits them. At most 20,000 rows."""
    return exported("streamer_export", query)


@blueprint.route(f"{OWN}/report.pdf")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, content_type=PDF)
@blueprint.query(schemas.MonthlyReportQuery)
def print_own_report(query: dict[str, Any]) -> Response:
    """The calling streamer's month to print; the last that is over unless one is named."""
    return printed("streamer_report", query)


@blueprint.route(f"{OWN}/chart.svg")
@blueprint.requires("analytics:read", kinds=["streamer"])
@blueprint.answers(200, content_type=SVG)
@blueprint.query(schemas.StreamerChartQuery)
def draw_own_figures(query: dict[str, Any]) -> Response:
    """One figure of the calling streamer over time, as a picture; `timeseries` has the same as data."""
    return drawn("streamer_chart", query)


def exported(method: str, request: dict[str, Any]) -> Response:
    """All pages of an export; whole, so that a failure on the way is an error and not half a file."""
    page = call("analytics", method, request)
    parts = [page["content"]]
    while page["next_cursor"] is not None:
        taken = {name: page[name] for name in ("from", "to", "currency")}
        page = call("analytics", method, {**request, **taken, "cursor": page["next_cursor"]})
        parts.append(page["content"])
    return downloaded("".join(parts), f"{CSV}; charset=utf-8; header=present", page["filename"])


def printed(method: str, request: dict[str, Any]) -> Response:
    document = call("analytics", method, request)
    return downloaded(base64.b64decode(document["content_base64"]), PDF, document["filename"])


def downloaded(content: str | bytes, content_type: str, filename: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


def drawn(method: str, request: dict[str, Any]) -> Response:
    response = Response(call("analytics", method, request)["svg"], mimetype=SVG)
    response.headers["Content-Security-Policy"] = DRAWING
    return response


def watch(method: str, request: dict[str, Any]) -> Response:
    settings = state().settings
    read = reader(method, request)
    # Asked once before the stream begins, so that a refusal is a problem document with its status.
    read()
    subscription = state().hub.subscribe(session_topic(g.principal.session_id))
    return live.respond(
        subscription,
        live.poll(
            subscription,
            lambda: figures_or_reason(read),
            every=settings.live_poll_seconds,
            heartbeat=settings.heartbeat_seconds,
            lifetime=settings.live_stream_seconds,
        ),
    )


def reader(method: str, request: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Reads figures on the caller's behalf, shared between that caller's streams on the same thing."""
    here, caller = state(), context.current()
    key = (g.principal.id, method, *request.values())

    def ask() -> dict[str, Any]:
        figures: dict[str, Any] = here.connection.call("analytics", method, request, context=caller)
        return figures

    return lambda: here.figures.get(key, ask)


def figures_or_reason(read: Callable[[], dict[str, Any]]) -> Message:
    try:
        return Message("figures", read())
    except Error as error:
        return Message("unavailable", {"code": error.code})
