"""From an approved campaign to its end."""

from __future__ import annotations

from campaign.domain.campaign import BY_BRAND, Campaign
from campaign.handlers.flows import ACTIVATION, and_settle, end_if_due, outcome, reservation
from campaign.handlers.moves import change_own, own_campaign
from campaign.handlers.ports import Campaigns, Command, Sagas
from chassis.clock import Clock
from chassis.event import Event
from chassis.principal import Caller

# One sweep ends so many campaigns at most, so that it never holds up a worker; the next one follows soon.
SWEEP_LIMIT = 100


def pause(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    return change_own(campaigns, by, command["campaign_id"], lambda own: own.pause(clock.now()))


def resume(campaigns: Campaigns, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    return change_own(campaigns, by, command["campaign_id"], lambda own: own.resume(clock.now()))


def activate(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    """Start the activation, and tell its outcome when it is known soon enough."""
    by.must_be("brand")

    def work() -> str:
        campaign = own_campaign(campaigns, by, command["campaign_id"])
        campaigns.save(campaign, campaign.begin_activation(clock.now()))
        return sagas.start(ACTIVATION, campaign.id, reservation(campaign.brand_id, campaign.brief.budget))

    return outcome(campaigns, sagas, campaigns.transaction(work), command["campaign_id"])


def complete(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")

    def verb(own: Campaign) -> list[Event]:
        return and_settle(sagas, own, own.complete(BY_BRAND, clock.now()))

    return change_own(campaigns, by, command["campaign_id"], verb)


def cancel(campaigns: Campaigns, sagas: Sagas, clock: Clock, by: Caller, command: Command) -> Campaign:
    """Give a campaign up; one that was running settles its money like a completed one."""
    by.must_be("brand")

    def verb(own: Campaign) -> list[Event]:
        was_running = own.is_running
        events = own.cancel(clock.now())
        return and_settle(sagas, own, events) if was_running else events

    return change_own(campaigns, by, command["campaign_id"], verb)


def run_once(campaigns: Campaigns, sagas: Sagas, clock: Clock) -> int:
    """End the campaigns whose time or budget is over; how many it ended."""
    due = campaigns.due_to_end(clock.now(), SWEEP_LIMIT)
    return sum(_end(campaigns, sagas, clock, campaign_id) for campaign_id in due)


def _end(campaigns: Campaigns, sagas: Sagas, clock: Clock, campaign_id: str) -> bool:
    def work() -> bool:
        campaign = campaigns.get(campaign_id)
        events = end_if_due(sagas, campaign, clock.now())
        if events:
            campaigns.save(campaign, events)
        return bool(events)

    return campaigns.transaction(work)
