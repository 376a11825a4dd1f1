"""Which field may change in which state, and how far."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from campaign.domain.brief import FIELDS
from campaign.domain.campaign import ACTIVE, APPROVED, DRAFT, PAUSED, STATES
from campaign.domain.errors import (
    BudgetBelowAllocated,
    BudgetIncreasePending,
    BudgetNotReserved,
    NotEditable,
    RunShortened,
    WrongState,
)
from campaign.tests.mothers import CLIP_ID, NOVA_ID, NOW, a_brief, a_campaign
from chassis.errors import ValidationFailed
from chassis.money import Money

ANOTHER = {
    "name": "Summer cups",
    "description": "Cold drinks",
    "budget": Money(60_000, "USD"),
    "start_at": NOW + timedelta(days=1),
    "end_at": NOW + timedelta(days=30),
    "targeting": {"countries": ["DE"]},
    "requirements": {"min_average_viewers": 50},
    "creatives": [
        {"creative_id": "crv_1", "asset_id": CLIP_ID, "placement": "corner", "duration_s": 5, "weight": 2}
    ],
    "compensation": {"type": "cpm", "cpm_minor": 700},
    "approval": "auto",
    "frequency": {"min_seconds_between": 30, "max_per_hour": 6, "max_per_stream": 10},
    "pacing": "asap",
    "max_participants": 5,
    "blocked_streamers": [NOVA_ID],
    "category": "food",
}
OF_A_RUN = {"budget", "end_at", "pacing", "frequency"}
MAY_CHANGE = {
    "draft": set(FIELDS),
    "pending_review": set(),
    "approved": OF_A_RUN,
    "active": OF_A_RUN,
    "paused": OF_A_RUN | {"targeting", "requirements"},
    "completed": set(),
    "cancelled": set(),
}


def test_every_field_of_the_brief_is_tried():
    assert set(ANOTHER) == set(FIELDS) == set(a_brief())


def change(campaign, field: str):
    """By the way that this field takes: a running budget is announced, reserved and then raised."""
    if field == "budget" and campaign.is_running:
        return campaign.announce_budget(ANOTHER[field], NOW) + campaign.raise_budget(ANOTHER[field], NOW)
    return campaign.update({field: ANOTHER[field]}, NOW)


@pytest.mark.parametrize(("state", "field"), list(product(STATES, FIELDS)))
def test_which_field_changes_in_which_state(state: str, field: str):
    campaign = a_campaign(state)
    before = campaign.brief

    if field in MAY_CHANGE[state]:
        events = change(campaign, field)
        assert [event.changed for event in events] == [[field]]
        assert campaign.brief != before
    else:
        with pytest.raises(NotEditable) as refused:
            campaign.update({field: ANOTHER[field]}, NOW)
        assert refused.value.extra["fields"] == [field]
        assert campaign.brief == before


@pytest.mark.parametrize("state", STATES)
def test_writing_what_is_there_already_changes_nothing(state: str):
    campaign = a_campaign(state)

    events = campaign.update({"name": campaign.brief.name, "pacing": campaign.brief.pacing}, NOW)

    assert events == []


def test_one_field_that_may_not_change_refuses_the_whole_update():
    campaign = a_campaign(ACTIVE)

    with pytest.raises(NotEditable):
        campaign.update({"pacing": "asap", "name": "Summer cups"}, NOW)

    assert campaign.brief.pacing == "even"


@pytest.mark.parametrize("state", [APPROVED, ACTIVE, PAUSED])
@pytest.mark.parametrize("budget", [Money(49_999, "USD"), Money(60_000, "EUR")])
def test_an_approved_budget_is_neither_cut_nor_exchanged(state: str, budget):
    campaign = a_campaign(state)

    with pytest.raises(BudgetBelowAllocated):
        campaign.update({"budget": budget}, NOW)


def test_a_draft_may_ask_for_less_and_for_another_currency():
    campaign = a_campaign(DRAFT)

    campaign.update({"budget": Money(2_000, "EUR")}, NOW)

    assert campaign.brief.budget == Money(2_000, "EUR")


@pytest.mark.parametrize("state", [APPROVED, ACTIVE, PAUSED])
def test_an_approved_run_is_never_shortened(state: str):
    campaign = a_campaign(state)

    with pytest.raises(RunShortened):
        campaign.update({"end_at": campaign.brief.end_at - timedelta(seconds=1)}, NOW)


@pytest.mark.parametrize("state", [ACTIVE, PAUSED])
def test_a_running_budget_does_not_grow_without_a_reservation(state: str):
    campaign = a_campaign(state)

    with pytest.raises(BudgetNotReserved):
        campaign.update({"budget": Money(60_000, "USD")}, NOW)

    assert campaign.brief.budget == Money(50_000, "USD")


@pytest.mark.parametrize("state", sorted(set(STATES) - {ACTIVE, PAUSED, DRAFT, APPROVED}))
def test_no_increase_is_announced_where_the_budget_is_fixed(state: str):
    with pytest.raises(NotEditable):
        a_campaign(state).announce_budget(Money(60_000, "USD"), NOW)


@pytest.mark.parametrize("budget", [Money(49_999, "USD"), Money(60_000, "EUR")])
def test_what_is_announced_is_neither_less_nor_another_currency(budget: Money):
    with pytest.raises(BudgetBelowAllocated):
        a_campaign(ACTIVE).announce_budget(budget, NOW)


def test_two_increases_of_a_running_budget_do_not_overlap():
    campaign = a_campaign(ACTIVE)
    campaign.announce_budget(Money(60_000, "USD"), NOW)

    with pytest.raises(BudgetIncreasePending):
        campaign.announce_budget(Money(70_000, "USD"), NOW)


def test_a_reserved_increase_is_raised_once():
    campaign = a_campaign(ACTIVE)
    campaign.announce_budget(Money(60_000, "USD"), NOW)

    first = campaign.raise_budget(Money(60_000, "USD"), NOW)
    second = campaign.raise_budget(Money(60_000, "USD"), NOW)

    assert [event.changed for event in first] == [["budget"]]
    assert second == []
    assert campaign.brief.budget == Money(60_000, "USD")
    assert campaign.pending_budget is None


def test_more_budget_lets_a_campaign_go_on_that_had_spent_everything():
    campaign = a_campaign(ACTIVE)
    campaign.announce_budget(Money(60_000, "USD"), NOW)
    campaign.record_progress(spent_minor=50_000, participants=0, at=NOW)

    campaign.raise_budget(Money(60_000, "USD"), NOW)

    assert campaign.ending_reason(NOW) is None


def test_an_ended_campaign_takes_no_increase():
    campaign = a_campaign(ACTIVE)
    campaign.announce_budget(Money(60_000, "USD"), NOW)
    campaign.complete("brand", NOW)

    with pytest.raises(WrongState):
        campaign.raise_budget(Money(60_000, "USD"), NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"end_at": NOW}, "end_at"),
        ({"start_at": NOW + timedelta(days=15)}, "end_at"),
        ({"start_at": NOW - timedelta(days=2), "end_at": NOW - timedelta(days=1)}, "end_at"),
        ({"compensation": {"type": "cpm"}}, "compensation"),
        ({"compensation": {"type": "cpm", "cpm_minor": 5, "flat_minor": 1}}, "compensation"),
        ({"compensation": {"type": "cpm", "cpm_minor": 5, "required_deliveries": 1}}, "compensation"),
        ({"compensation": {"type": "flat_rate", "flat_minor": 5}}, "compensation"),
        ({"compensation": {"type": "flat_rate", "required_deliveries": 5}}, "compensation"),
        (
            {
                "compensation": {
                    "type": "flat_rate",
                    "cpm_minor": 1,
                    "flat_minor": 5,
                    "required_deliveries": 5,
                }
            },
            "compensation",
        ),
        ({"compensation": {"type": "hybrid", "cpm_minor": 5}}, "compensation"),
        ({"budget": Money(999, "USD")}, "budget"),
        ({"creatives": [*ANOTHER["creatives"], *ANOTHER["creatives"]]}, "creatives"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(changes, field: str):
    campaign = a_campaign(DRAFT)

    with pytest.raises(ValidationFailed) as refused:
        campaign.update(changes, NOW)

    assert list(refused.value.errors) == [field]
