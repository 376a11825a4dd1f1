"""From a draft to an approved campaign."""

from __future__ import annotations

from campaign.domain.campaign import Asset, Campaign
from campaign.handlers.moves import change, change_own, own_campaign
from campaign.handlers.ports import Assets, Campaigns, Command
from chassis.clock import Clock
from chassis.event import Event
from chassis.pagination import Page
from chassis.principal import Caller


def submit(campaigns: Campaigns, assets: Assets, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    campaign = own_campaign(campaigns, by, command["campaign_id"])
    described = _describe_assets(assets, campaign)

    def verb(own: Campaign) -> list[Event]:
        events = own.submit(clock.now())
        own.check_assets_are_ready(described)
        return events

    return change_own(campaigns, by, campaign.id, verb)


def _describe_assets(assets: Assets, campaign: Campaign) -> list[Asset]:
    wanted = sorted({creative.asset_id for creative in campaign.brief.creatives})
    return assets.describe(wanted, campaign.brand_id) if wanted else []


def review_queue(campaigns: Campaigns, by: Caller, command: Command) -> Page[Campaign]:
    by.must_be("admin")
    return campaigns.awaiting_review(command["limit"], command["cursor"])


def approve(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("admin")
    return change(campaigns, command["campaign_id"], lambda campaign: campaign.approve(clock.now()))


def reject(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("admin")
    return change(
        campaigns, command["campaign_id"], lambda campaign: campaign.reject(command["reason"], clock.now())
    )
