"""The real container on the real broker: facts in as events, reports out over RPC."""

import base64
from typing import Any

import pytest

from analytics.service import AnalyticsService
from analytics.tests.mothers import (
    ACME,
    CAMPAIGN,
    NOVA,
    a_delivery,
    an_earning,
    campaign_created,
    deliveries_accepted,
    earning_posted,
)
from chassis.errors import Error
from chassis.testing import eventually

RIVAL = "brd_01jd2e7z5pf3rs8w6r8q6v2k1z"


@pytest.fixture
def facts(run_service: Any, tokens: Any, publish_event: Any) -> None:
    """Acme's campaign with six showings, one event of which came twice, and one posted earning."""
    run_service(AnalyticsService)
    publish_event("campaign", "campaign_created", campaign_created(), subject=CAMPAIGN)
    shown = deliveries_accepted(*(a_delivery(number) for number in range(6)))
    publish_event("participation", "deliveries_accepted", shown, id="evt_shown")
    publish_event("participation", "deliveries_accepted", shown, id="evt_shown")
    publish_event("participation", "deliveries_accepted", shown, id="evt_the_same_showings_again")
    publish_event("payment", "earning_posted", earning_posted(an_earning(1)))


@pytest.fixture
def analytics(rpc: Any, tokens: Any, facts: None) -> Any:
    brand = rpc("analytics", token=tokens.issue("brand", ACME))

    def is_complete() -> bool:
        figures = brand.campaign_summary({"campaign_id": CAMPAIGN})["figures"]
        return figures["rendered"] == 6 and figures["gross_minor"] == 100

    eventually(is_complete, deadline=10)
    return rpc


def test_a_brand_reads_every_report_of_its_campaign(analytics: Any, tokens: Any) -> None:
    brand = analytics("analytics", token=tokens.issue("brand", ACME))

    summary = brand.campaign_summary({"campaign_id": CAMPAIGN})
    hours = brand.campaign_timeseries(
        {
            "campaign_id": CAMPAIGN,
            "metric": "qualified",
            "bucket": "hour",
            "from": "2026-11-23T11:00:00Z",
            "to": "2026-11-23T13:00:00Z",
        }
    )
    parts = brand.campaign_breakdown({"campaign_id": CAMPAIGN, "by": "streamer"})
    funnel = brand.campaign_funnel({"campaign_id": CAMPAIGN})

    assert summary["figures"] == {
        "rendered": 6,
        "qualified": 4,
        "viewer_impressions": 40,
        "visible_ms": 54_000,
        "gross_minor": 100,
        "platform_fee_minor": 20,
        "net_minor": 80,
        "currency": "USD",
    }
    assert [point["value"] for point in hours["points"]] == [0, 4]
    assert [(part["key"], part["figures"]["net_minor"]) for part in parts["items"]] == [(NOVA, 80)]
    assert funnel["funnel"] == {"applied": 0, "approved": 0, "delivering": 1, "paid": 1}


def test_a_streamer_reads_every_report_of_her_own(analytics: Any, tokens: Any) -> None:
    streamer = analytics("analytics", token=tokens.issue("streamer", NOVA))

    summary = streamer.streamer_summary({})
    points = streamer.streamer_timeseries({"metric": "net_minor", "bucket": "day"})
    parts = streamer.streamer_breakdown({"by": "campaign"})
    funnel = streamer.streamer_funnel({})

    assert (summary["streamer_id"], summary["figures"]["net_minor"]) == (NOVA, 80)
    assert points["currency"] == "USD"
    assert [part["key"] for part in parts["items"]] == [CAMPAIGN]
    assert funnel["funnel"]["paid"] == 1


def test_a_brand_and_a_streamer_take_their_figures_home(analytics: Any, tokens: Any) -> None:
    brand = analytics("analytics", token=tokens.issue("brand", ACME))
    streamer = analytics("analytics", token=tokens.issue("streamer", NOVA))
    period = {"from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"}

    exported = brand.campaign_export({"campaign_id": CAMPAIGN, **period, "bucket": "hour", "by": "creative"})
    own = streamer.streamer_export({**period, "by": "campaign"})
    charts = [brand.campaign_chart({"campaign_id": CAMPAIGN}), streamer.streamer_chart({"theme": "dark"})]
    reports = [
        brand.campaign_report({"campaign_id": CAMPAIGN, "month": "2026-11"}),
        brand.brand_report({"month": "2026-11"}),
        streamer.streamer_report({}),
    ]

    header, row, end = exported["content"].split("\r\n")
    assert header.startswith("at,bucket,campaign_id,creative,rendered,")
    assert row.startswith(f"2026-11-23T12:00:00.000000Z,hour,{CAMPAIGN},crv_banner,6,4,40,54000,,,,")
    assert (end, exported["next_cursor"]) == ("", None)
    assert f"{NOVA},{CAMPAIGN},6,4,40,54000,0,0,0,USD" in own["content"]
    assert all(chart["svg"].startswith("<svg ") for chart in charts)
    assert all(base64.b64decode(report["content_base64"])[:5] == b"%PDF-" for report in reports)
    assert reports[1]["filename"] == f"brand-{ACME}-2026-11.pdf"


def test_a_rival_is_told_that_the_campaign_does_not_exist(analytics: Any, tokens: Any) -> None:
    rival = analytics("analytics", token=tokens.issue("brand", RIVAL))

    for method in ("campaign_summary", "campaign_export", "campaign_chart", "campaign_report"):
        with pytest.raises(Error) as refusal:
            getattr(rival, method)({"campaign_id": CAMPAIGN})

        assert (refusal.value.code, refusal.value.status) == ("analytics.campaign_not_found", 404)


@pytest.mark.parametrize(
    "request_",
    [
        {"campaign_id": "cmp_x"},
        {"campaign_id": CAMPAIGN, "unknown": 1},
        {"campaign_id": CAMPAIGN, "from": "yesterday"},
        {"campaign_id": CAMPAIGN, "from": "2026-11-23T12:00:00"},
        {"campaign_id": CAMPAIGN, "currency": "usd"},
        {"campaign_id": {"$ne": None}},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    run_service: Any, rpc: Any, request_: dict[str, Any]
) -> None:
    run_service(AnalyticsService)

    with pytest.raises(Error) as refusal:
        rpc("analytics").campaign_summary(request_)

    assert refusal.value.status == 422


def test_an_operator_verifies_and_rebuilds(analytics: Any) -> None:
    operator = analytics("analytics", user="operator")

    verified = operator.verify_rollups({})
    rebuilt = operator.rebuild_rollups({})

    assert verified["equal"]
    assert verified["rollups"] > 0
    assert rebuilt == verified


def test_a_service_may_not_verify(run_service: Any, rpc: Any) -> None:
    run_service(AnalyticsService)

    with pytest.raises(Error) as refusal:
        rpc("analytics", user="gateway").verify_rollups({})

    assert refusal.value.code == "rpc.caller_not_allowed"
