"""Who sees what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from campaign.domain.campaign import Campaign
from campaign.domain.errors import CampaignNotFound
from campaign.domain.fit import Streamer, reasons_against_joining
from campaign.handlers.moves import own_campaign
from campaign.handlers.ports import Campaigns, Command, Streamers
from chassis.clock import Clock
from chassis.pagination import Page
from chassis.principal import Caller


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign as one streamer sees it in the marketplace."""

    campaign: Campaign
    reasons: list[str]

    @property
    def eligible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Joining(Offer):
    """What participation needs to decide on an application: `eligibility` is what was judged."""

    eligibility: dict[str, Any]


def get(campaigns: Campaigns, by: Caller, command: Command) -> Campaign:
    """The brand's own, any for an admin, and what was offered to streamers for a streamer."""
    by.must_be("brand", "admin", "streamer")
    campaign = campaigns.get(command["campaign_id"])
    if by.owns(campaign.brand_id) or by.is_admin or (by.kind == "streamer" and campaign.is_public):
        return campaign
    raise CampaignNotFound()


def list_own(campaigns: Campaigns, by: Caller, command: Command) -> Page[Campaign]:
    by.must_be("brand")
    return campaigns.of_brand(by.id, command.get("status"), command["limit"], command["cursor"])


def history(campaigns: Campaigns, by: Caller, command: Command) -> Page[dict[str, Any]]:
    by.must_be("brand", "admin")
    campaign = (
        campaigns.get(command["campaign_id"])
        if by.is_admin
        else own_campaign(campaigns, by, command["campaign_id"])
    )
    return campaigns.history(campaign.id, command["limit"], command["cursor"])


def marketplace(
    campaigns: Campaigns, streamers: Streamers, clock: Clock, by: Caller, command: Command
) -> Page[Offer]:
    """Open campaigns, newest first, each with the rules that keep this streamer out of it."""
    by.must_be("streamer")
    streamer = Streamer.from_answer(streamers.eligibility(by.id))
    found = campaigns.open_to(by.id, clock.now(), command["limit"], command["cursor"])
    offers = [Offer(campaign, reasons_against_joining(campaign, streamer)) for campaign in found.items]
    return Page(offers, found.next_cursor)


def check_joining(campaigns: Campaigns, streamers: Streamers, command: Command) -> Joining:
    campaign = campaigns.get(command["campaign_id"])
    answer = streamers.eligibility(command["streamer_id"])
    reasons = reasons_against_joining(campaign, Streamer.from_answer(answer))
    return Joining(campaign, reasons, answer)


def delivery_plans(campaigns: Campaigns, command: Command) -> list[Campaign]:
    """In one look, since an overlay shows many campaigns; what is missing is left out."""
    return campaigns.these(command["campaign_ids"])
