"""What a brand's servers can be told, and from which event each of it follows.

The name of a topic is the `type` of its webhook. Only the fields in `keep` are passed on; `schemas.webhooks`
publishes them, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.event import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Topic:
    """`brand` is the field of the event that names the brand."""

    name: str
    keep: tuple[str, ...]
    brand: str = "brand_id"

    def data_of(self, event: ReceivedEvent) -> dict[str, Any]:
        return {name: event.data.get(name) for name in self.keep}


CAMPAIGN = ("campaign_id", "name")
PARTICIPATION = ("participation_id", "campaign_id", "campaign_name", "streamer_id")

TOPICS: Mapping[tuple[str, str], Topic] = {
    ("campaign", "campaign_approved"): Topic("campaign.approved", CAMPAIGN),
    ("campaign", "campaign_rejected"): Topic("campaign.rejected", (*CAMPAIGN, "reason")),
    ("campaign", "campaign_activated"): Topic(
        "campaign.activated", (*CAMPAIGN, "budget", "category", "start_at", "end_at")
    ),
    ("campaign", "campaign_paused"): Topic("campaign.paused", CAMPAIGN),
    ("campaign", "campaign_resumed"): Topic("campaign.resumed", CAMPAIGN),
    ("campaign", "campaign_completed"): Topic("campaign.completed", (*CAMPAIGN, "reason")),
    ("campaign", "campaign_cancelled"): Topic("campaign.cancelled", CAMPAIGN),
    ("campaign", "campaign_budget_low"): Topic("campaign.budget_low", (*CAMPAIGN, "left")),
    ("campaign", "campaign_budget_returned"): Topic("campaign.budget_returned", (*CAMPAIGN, "returned")),
    ("participation", "participation_applied"): Topic("participation.applied", PARTICIPATION),
    ("participation", "participation_approved"): Topic("participation.approved", PARTICIPATION),
    ("participation", "participation_rejected"): Topic("participation.rejected", (*PARTICIPATION, "reason")),
    ("participation", "participation_left"): Topic("participation.left", (*PARTICIPATION, "reason")),
    ("participation", "participation_removed"): Topic("participation.removed", (*PARTICIPATION, "reason")),
    ("participation", "participation_completed"): Topic("participation.completed", PARTICIPATION),
    ("payment", "deposit_succeeded"): Topic("deposit.succeeded", ("deposit_id", "amount")),
    ("payment", "deposit_reversed"): Topic("deposit.reversed", ("deposit_id", "amount", "reason")),
    ("payment", "deposit_reinstated"): Topic("deposit.reinstated", ("deposit_id", "amount", "reason")),
    ("asset", "asset_ready"): Topic("asset.ready", ("asset_id", "media", "duration_s"), "owner_id"),
    ("asset", "asset_refused"): Topic("asset.refused", ("asset_id", "reason"), "owner_id"),
    ("brand", "team_member_joined"): Topic("team.member_joined", ("member_id", "role")),
}

TEST = "webhook.test"
"""What an endpoint gets when its owner asks for it, whatever it has chosen."""

NAMES = tuple(topic.name for topic in TOPICS.values())
