"""The moves that use cases share: load, one domain verb, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from campaign.domain.campaign import Campaign
from campaign.domain.errors import CampaignNotFound
from campaign.handlers.ports import Campaigns
from chassis.event import Event
from chassis.principal import Caller
from chassis.versions import Expected, must_be_expected

Verb = Callable[[Campaign], list[Event]]


def own_campaign(campaigns: Campaigns, by: Caller, campaign_id: str) -> Campaign:
    """The caller's own campaign; somebody else's answers as a missing one."""
    campaign = campaigns.get(campaign_id)
    if not by.owns(campaign.brand_id):
        raise CampaignNotFound()
    return campaign


def add(campaigns: Campaigns, campaign: Campaign, events: Sequence[Event]) -> Campaign:
    campaigns.add(campaign, events)
    return campaign


def change(campaigns: Campaigns, campaign_id: str, verb: Verb) -> Campaign:
    """Load, one domain verb, save, in one transaction that is run again when another was faster."""

    def work() -> Campaign:
        campaign = campaigns.get(campaign_id)
        campaigns.save(campaign, verb(campaign))
        return campaign

    return campaigns.transaction(work)


def change_own(
    campaigns: Campaigns, by: Caller, campaign_id: str, verb: Verb, expected: Expected = None
) -> Campaign:
    def checked(campaign: Campaign) -> list[Event]:
        if not by.owns(campaign.brand_id):
            raise CampaignNotFound()
        must_be_expected(campaign.version, expected)
        return verb(campaign)

    return change(campaigns, campaign_id, checked)
