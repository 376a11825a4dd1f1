"""Drafts and their briefs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaign.domain.brief import Brief, with_creative_ids
from campaign.domain.campaign import Campaign, clone, new_campaign
from campaign.domain.errors import BudgetIncreasePending
from campaign.handlers.flows import BUDGET_INCREASE, outcome, reservation
from campaign.handlers.moves import add, change_own, own_campaign
from campaign.handlers.ports import Campaigns, Command, Sagas
from chassis.clock import Clock
from chassis.errors import ValidationFailed
from chassis.ids import NewId
from chassis.money import Money
from chassis.principal import Caller
from chassis.versions import Expected, must_be_expected

ABOUT_THE_CHANGE = frozenset({"campaign_id", "expected_versions"})


def create(campaigns: Campaigns, clock: Clock, new_id: NewId, by: Caller, command: Command) -> Campaign:
    by.must_be("brand")
    brief = Brief.from_dict(with_creative_ids(command, new_id))
    return add(campaigns, *new_campaign(new_id("cmp"), by.id, brief, clock.now()))


def clone_campaign(
    campaigns: Campaigns, clock: Clock, new_id: NewId, by: Caller, command: Command
) -> Campaign:
    by.must_be("brand")
    original = own_campaign(campaigns, by, command["campaign_id"])
    return add(campaigns, *clone(original, clock.now(), new_id))


def update(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, new_id: NewId, by: Caller, command: Command
) -> Campaign:
    """Change the brief. More budget for a running campaign has to be reserved first, by a saga."""
    by.must_be("brand")
    campaign = own_campaign(campaigns, by, command["campaign_id"])
    expected = command.get("expected_versions")
    changes = {name: value for name, value in command.items() if name not in ABOUT_THE_CHANGE}
    if campaign.is_running and "budget" in changes:
        return _increase_budget(campaigns, sagas, clock, by, campaign.id, changes, expected)
    named = with_creative_ids(changes, new_id)
    return change_own(campaigns, by, campaign.id, lambda own: own.update(named, clock.now()), expected)


def delete(campaigns: Campaigns, by: Caller, command: Command) -> None:
    by.must_be("brand")

    def work() -> None:
        campaign = own_campaign(campaigns, by, command["campaign_id"])
        campaigns.remove(campaign, campaign.delete())

    campaigns.transaction(work)


def _increase_budget(
    campaigns: Campaigns,
    sagas: Sagas,
    clock: Clock,
    by: Caller,
    campaign_id: str,
    changes: Mapping[str, Any],
    expected: Expected,
) -> Campaign:
    if len(changes) > 1:
        raise ValidationFailed(
            "More budget for a running campaign is reserved first, so it comes in a request of its own",
            {"budget": ["Change it alone while the campaign runs."]},
        )
    budget: Money = changes["budget"]

    def work() -> str | None:
        campaign = own_campaign(campaigns, by, campaign_id)
        must_be_expected(campaign.version, expected)
        if budget == campaign.brief.budget:
            return None
        campaigns.save(campaign, campaign.announce_budget(budget, clock.now()))
        more = reservation(campaign.brand_id, budget - campaign.brief.budget)
        # The saga before may have forgotten or raised its budget already, and still be about to end.
        started = sagas.start_alone(BUDGET_INCREASE, campaign_id, {**more, "budget": budget.to_dict()})
        if started is None:
            raise BudgetIncreasePending("the increase before is not settled yet; ask again")
        return started

    saga_id = campaigns.transaction(work)
    return outcome(campaigns, sagas, saga_id, campaign_id) if saga_id else campaigns.get(campaign_id)
