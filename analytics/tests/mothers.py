"""Facts by name: Acme's campaign, shown by Nova and by Orion."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.domain import Delivery, Earning, Period, Scope, reporting_period
from chassis.event import ReceivedEvent
from chassis.times import rfc3339

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACME = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
CAMPAIGN = "cmp_01jd2e7z5pf3rs8w6r8q6v2k1m"
NOVA = "str_01jd2e7z5pf3rs8w6r8q6v2k1n"
ORION = "str_01jd2e7z5pf3rs8w6r8q6v2k1p"
PARTICIPATIONS = {NOVA: "prt_01jd2e7z5pf3rs8w6r8q6v2k1n", ORION: "prt_01jd2e7z5pf3rs8w6r8q6v2k1p"}

THE_CAMPAIGN = Scope("campaign", CAMPAIGN)
ALL_TIME: Period = reporting_period(None, None, NOON + timedelta(days=60))


def a_delivery(number: int, streamer: str = NOVA, **changes: Any) -> Delivery:
    """One showing a minute, each third of them not qualified, with ten viewers."""
    started_at = NOON + timedelta(minutes=number)
    delivery = Delivery(
        id=f"delivery-{number}",
        participation_id=PARTICIPATIONS[streamer],
        campaign_id=CAMPAIGN,
        brand_id=ACME,
        streamer_id=streamer,
        creative_id="crv_banner",
        placement="banner",
        platform="twitch",
        country="DE",
        started_at=started_at,
        ended_at=started_at + timedelta(seconds=10),
        visible_ms=9_000,
        qualified=number % 3 != 0,
        viewers=10,
    )
    return replace(delivery, **changes)


def an_earning(accrual: int, streamer: str = NOVA, **changes: Any) -> Earning:
    earning = Earning(
        participation_id=PARTICIPATIONS[streamer],
        accrual=accrual,
        campaign_id=CAMPAIGN,
        brand_id=ACME,
        streamer_id=streamer,
        currency="USD",
        posted_at=NOON + timedelta(hours=accrual),
        gross_minor=100,
        platform_fee_minor=20,
        net_minor=80,
    )
    return replace(earning, **changes)


def deliveries_accepted(*deliveries: Delivery) -> dict[str, Any]:
    """The data of participation's event."""
    first = deliveries[0]
    return {
        "participation_id": first.participation_id,
        "campaign_id": first.campaign_id,
        "brand_id": first.brand_id,
        "streamer_id": first.streamer_id,
        "currency": "USD",
        "deliveries": [
            {
                "id": delivery.id,
                "creative_id": delivery.creative_id,
                "placement": delivery.placement,
                "started_at": rfc3339(delivery.started_at),
                "ended_at": rfc3339(delivery.ended_at),
                "visible_ms": delivery.visible_ms,
                "qualified": delivery.qualified,
                "viewers": delivery.viewers,
                "platform": delivery.platform,
                "country": delivery.country,
            }
            for delivery in deliveries
        ],
    }


def earning_posted(earning: Earning) -> dict[str, Any]:
    """The data of payment's event."""
    return {
        "participation_id": earning.participation_id,
        "campaign_id": earning.campaign_id,
        "brand_id": earning.brand_id,
        "streamer_id": earning.streamer_id,
        "currency": earning.currency,
        "accrual": earning.accrual,
        "gross_minor": earning.gross_minor,
        "fee_minor": earning.platform_fee_minor,
        "net_minor": earning.net_minor,
    }


def campaign_created() -> dict[str, Any]:
    return {"campaign_id": CAMPAIGN, "brand_id": ACME, "name": "Winter"}


def received(type: str, data: dict[str, Any], source: str = "campaign", id: str = "evt_1") -> ReceivedEvent:
    return ReceivedEvent(id=id, type=type, source=source, time=NOON, subject="x", version=1, data=data)
