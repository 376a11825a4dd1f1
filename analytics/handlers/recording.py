"""Record facts as they arrive, in any order and any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from analytics.domain import (
    UNKNOWN,
    BusinessEvent,
    CampaignOwner,
    Delivery,
    Earning,
    Milestone,
    months_from,
    without_personal_data,
)
from analytics.handlers.ports import Series
from chassis.clock import Clock
from chassis.event import ReceivedEvent
from chassis.times import parse_rfc3339

MILESTONES = {
    ("participation", "participation_applied"): "applied",
    ("participation", "participation_approved"): "approved",
}

# Who may read a campaign's figures follows from its events, so nobody else's are believed about that.
OWNER_OF_CAMPAIGNS = "campaign"

# Showings and postings are kept one by one already, and an accrual is a posting's announcement: the events
# would be a second copy. A queue that is older than this rule still brings them.
KEPT_ELSEWHERE = frozenset({"deliveries_accepted", "earnings_accrued", "earning_posted"})

# How far ahead partitions are made: a service that is down over a month's end finds them there.
MONTHS_AHEAD = 3


def record_deliveries(series: Series, events: Sequence[ReceivedEvent]) -> None:
    deliveries = [delivery for event in events for delivery in deliveries_in(event)]
    series.add_deliveries(deliveries)
    # Of a participation's showings only the earliest can be its first.
    latest_first = sorted(deliveries, key=attrgetter("started_at"), reverse=True)
    firsts = {item.participation_id: item for item in latest_first}
    series.add_milestones([reached("delivering", item, item.started_at) for item in firsts.values()])


def record_earnings(series: Series, events: Sequence[ReceivedEvent]) -> None:
    earnings = [earning_in(event) for event in events]
    series.add_earnings(earnings)
    series.add_milestones(
        [reached("paid", item, item.posted_at) for item in earnings if item.gross_minor > 0]
    )


def record_business_events(series: Series, events: Sequence[ReceivedEvent]) -> None:
    """Keep what happened; learn from it who owns a campaign and how far a participation has come."""
    kept = [event for event in events if event.type not in KEPT_ELSEWHERE]
    series.add_business_events([business_event_in(event) for event in kept])
    series.learn_owners([owner_in(event) for event in kept if names_an_owner(event)])
    series.add_milestones([milestone_in(event) for event in kept if (event.source, event.type) in MILESTONES])


def make_partitions(series: Series, clock: Clock) -> None:
    series.make_partitions(months_from(clock.now(), MONTHS_AHEAD))


def deliveries_in(event: ReceivedEvent) -> list[Delivery]:
    data = event.data
    return [
        Delivery(
            id=item["id"],
            participation_id=data["participation_id"],
            campaign_id=data["campaign_id"],
            brand_id=data["brand_id"],
            streamer_id=data["streamer_id"],
            creative_id=item["creative_id"],
            placement=item["placement"],
            platform=item.get("platform") or UNKNOWN,
            country=item.get("country") or UNKNOWN,
            started_at=parse_rfc3339(item["started_at"]),
            ended_at=parse_rfc3339(item["ended_at"]),
            visible_ms=item["visible_ms"],
            qualified=item["qualified"],
            viewers=item.get("viewers") or 0,
        )
        for item in data["deliveries"]
    ]


def earning_in(event: ReceivedEvent) -> Earning:
    data = event.data
    return Earning(
        participation_id=data["participation_id"],
        accrual=data["accrual"],
        campaign_id=data["campaign_id"],
        brand_id=data["brand_id"],
        streamer_id=data["streamer_id"],
        currency=data["currency"],
        posted_at=event.time,
        gross_minor=data["gross_minor"],
        platform_fee_minor=data["fee_minor"],
        net_minor=data["net_minor"],
    )


def business_event_in(event: ReceivedEvent) -> BusinessEvent:
    return BusinessEvent(
        id=event.id,
        source=event.source,
        type=event.type,
        subject=event.subject,
        at=event.time,
        campaign_id=event.data.get("campaign_id"),
        brand_id=event.data.get("brand_id"),
        streamer_id=event.data.get("streamer_id"),
        data=without_personal_data(event.data),
    )


def names_an_owner(event: ReceivedEvent) -> bool:
    """Any event of the campaign's will do, since campaign_created may arrive late."""
    named = event.data.get("campaign_id") and event.data.get("brand_id")
    return event.source == OWNER_OF_CAMPAIGNS and bool(named)


def owner_in(event: ReceivedEvent) -> CampaignOwner:
    return CampaignOwner(event.data["campaign_id"], event.data["brand_id"])


def reached(step: str, fact: Delivery | Earning, at: datetime) -> Milestone:
    return Milestone(fact.participation_id, fact.campaign_id, fact.streamer_id, step, at)


def milestone_in(event: ReceivedEvent) -> Milestone:
    return Milestone(
        participation_id=event.data["participation_id"],
        campaign_id=event.data["campaign_id"],
        streamer_id=event.data["streamer_id"],
        step=MILESTONES[event.source, event.type],
        at=event.time,
    )
