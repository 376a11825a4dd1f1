"""A campaign on its way: review, activation, spending, its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign.domain.brief import Compensation
from campaign.domain.campaign import ACTIVE, APPROVED, COMPLETED, DRAFT, PAUSED, PENDING_REVIEW, Asset, clone
from campaign.domain.errors import AssetNotReady, BudgetChanged, RunIsOver
from campaign.tests.mothers import (
    ACME_ID,
    BANNER_ID,
    GLOBEX_ID,
    NOW,
    a_campaign,
    a_draft,
    obey,
)
from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chassis.money import Money

LATER = NOW + timedelta(days=30)


def spend(campaign, minor: int):
    return campaign.record_progress(spent_minor=minor, participants=0, at=NOW)


def test_a_campaign_without_creatives_is_not_submitted():
    campaign = a_draft(creatives=[])

    with pytest.raises(ValidationFailed) as refused:
        campaign.submit(NOW)

    assert "creatives" in refused.value.errors


def test_a_draft_whose_end_has_passed_is_not_submitted():
    campaign = a_draft()

    with pytest.raises(ValidationFailed) as refused:
        campaign.submit(LATER)

    assert "end_at" in refused.value.errors


@pytest.mark.parametrize(
    "assets",
    [
        [],
        [Asset(BANNER_ID, ACME_ID, "processing")],
        [Asset(BANNER_ID, ACME_ID, "refused")],
        [Asset(BANNER_ID, GLOBEX_ID, "ready")],
    ],
)
def test_a_creative_needs_a_ready_asset_of_its_own_brand(assets):
    campaign = a_draft()

    with pytest.raises(AssetNotReady) as refused:
        campaign.check_assets_are_ready(assets)

    assert list(refused.value.errors["creatives"]) == ["0"]


def test_a_rejection_gives_the_draft_back_with_the_reason():
    campaign = a_campaign(PENDING_REVIEW)

    events = campaign.reject("The claim is not proven.", NOW)

    assert (campaign.status, campaign.rejection_reason) == (DRAFT, "The claim is not proven.")
    assert events[0].reason == "The claim is not proven."


def test_submitting_again_forgets_the_reason_of_the_rejection():
    campaign = a_campaign(PENDING_REVIEW)
    campaign.reject("The claim is not proven.", NOW)

    campaign.submit(NOW)

    assert campaign.rejection_reason is None


def test_the_same_activation_twice_begins_one_run():
    campaign = a_campaign(APPROVED)
    campaign.activate("sga_1", campaign.brief.budget, NOW)

    again = campaign.activate("sga_1", campaign.brief.budget, NOW)

    assert (again, campaign.status) == ([], ACTIVE)


def test_a_repeated_activation_does_not_wake_a_campaign_that_was_paused_meanwhile():
    campaign = a_campaign(APPROVED)
    campaign.activate("sga_1", campaign.brief.budget, NOW)
    campaign.pause(NOW)

    campaign.activate("sga_1", campaign.brief.budget, NOW)

    assert campaign.status == PAUSED


def test_a_budget_raised_while_it_was_being_reserved_is_not_activated():
    campaign = a_campaign(APPROVED)

    with pytest.raises(BudgetChanged):
        campaign.activate("sga_1", Money(49_999, "USD"), NOW)


def test_a_run_that_is_over_is_not_activated():
    campaign = a_campaign(APPROVED)

    with pytest.raises(RunIsOver):
        campaign.activate("sga_1", campaign.brief.budget, LATER)


def test_a_run_that_is_over_is_not_resumed():
    campaign = a_campaign(PAUSED)

    with pytest.raises(RunIsOver):
        campaign.resume(LATER)


def test_success_forgets_why_an_earlier_activation_failed():
    campaign = a_campaign(APPROVED)
    campaign.note_activation_failure("The wallet does not cover the budget", NOW)

    campaign.activate("sga_2", campaign.brief.budget, NOW)

    assert campaign.activation_error is None


@pytest.mark.parametrize(("spent", "warned"), [(44_999, False), (45_000, True), (49_000, True)])
def test_the_brand_is_warned_when_a_tenth_of_the_budget_is_left(spent: int, warned: bool):
    campaign = a_campaign(ACTIVE)

    events = spend(campaign, spent)

    assert [event.type for event in events] == (["campaign_budget_low"] if warned else [])


def test_the_brand_is_warned_once():
    campaign = a_campaign(ACTIVE)
    spend(campaign, 45_000)

    assert spend(campaign, 1_000) == []


def test_more_budget_makes_a_new_warning_possible():
    campaign = a_campaign(ACTIVE)
    spend(campaign, 45_000)
    campaign.announce_budget(Money(100_000, "USD"), NOW)
    campaign.raise_budget(Money(100_000, "USD"), NOW)

    events = spend(campaign, 45_000)

    assert [event.left for event in events] == [Money(10_000, "USD")]


@pytest.mark.parametrize(
    ("compensation", "smallest"),
    [
        (Compensation("cpm", cpm_minor=500), 1),
        (Compensation("cpm", cpm_minor=1_000), 1),
        (Compensation("cpm", cpm_minor=2_500), 3),
        (Compensation("flat_rate", flat_minor=1_000, required_deliveries=10), 1_000),
        (Compensation("hybrid", cpm_minor=500, flat_minor=1_000, required_deliveries=10), 1),
    ],
)
def test_the_smallest_earning_is_what_one_more_delivery_costs(compensation: Compensation, smallest: int):
    assert compensation.smallest_earning_minor() == smallest


FLAT = {"type": "flat_rate", "flat_minor": 1_000, "required_deliveries": 10}


@pytest.mark.parametrize(
    ("spent", "reason"), [(49_000, None), (49_001, "budget_spent"), (50_000, "budget_spent")]
)
def test_a_run_ends_when_what_is_left_cannot_pay_one_more_delivery(spent: int, reason: str | None):
    campaign = a_campaign(ACTIVE, compensation=FLAT)

    spend(campaign, spent)

    assert campaign.ending_reason(NOW) == reason


def test_a_spent_budget_waits_for_an_increase_that_is_being_reserved():
    campaign = a_campaign(ACTIVE)
    campaign.announce_budget(Money(60_000, "USD"), NOW)

    spend(campaign, 50_000)

    assert campaign.ending_reason(NOW) is None


@pytest.mark.parametrize("status", [ACTIVE, PAUSED])
def test_a_run_ends_at_its_end(status: str):
    campaign = a_campaign(status)

    assert campaign.ending_reason(campaign.brief.end_at) == "ended"
    assert campaign.ending_reason(campaign.brief.end_at - timedelta(milliseconds=1)) is None


@pytest.mark.parametrize("status", [DRAFT, PENDING_REVIEW, APPROVED, COMPLETED])
def test_what_does_not_run_does_not_end_by_itself(status: str):
    assert a_campaign(status).ending_reason(LATER) is None


def test_what_was_not_earned_returns_once():
    campaign = a_campaign(COMPLETED)
    campaign.note_returned(Money(40_000, "USD"), NOW)

    again = campaign.note_returned(Money(0, "USD"), NOW)

    assert (again, campaign.returned) == ([], Money(40_000, "USD"))


def test_places_are_never_less_than_none():
    campaign = a_campaign(ACTIVE, max_participants=1)

    campaign.record_progress(spent_minor=0, participants=2, at=NOW)

    assert campaign.places_left == 0


def test_a_clone_is_a_draft_with_the_same_brief_and_creatives_of_its_own():
    original = a_campaign(COMPLETED)

    copy, events = clone(original, NOW, new_id)

    assert (copy.status, copy.spent_minor, copy.activation_id) == (DRAFT, 0, None)
    assert copy.brief.name == "Winter cups (copy)"
    assert copy.brief.budget == original.brief.budget
    assert copy.brief.creatives[0].asset_id == original.brief.creatives[0].asset_id
    assert copy.brief.creatives[0].creative_id != original.brief.creatives[0].creative_id
    assert [event.type for event in events] == ["campaign_created"]


def test_a_clone_of_a_run_that_has_begun_begins_now_and_runs_as_long():
    original = a_campaign(COMPLETED)

    copy, _ = clone(original, LATER, new_id)

    assert copy.brief.start_at == LATER
    assert copy.brief.end_at - copy.brief.start_at == original.brief.end_at - original.brief.start_at


def test_a_clone_keeps_dates_that_are_still_ahead():
    original = a_draft(start_at=NOW + timedelta(days=2))

    copy, _ = clone(original, NOW, new_id)

    assert (copy.brief.start_at, copy.brief.end_at) == (original.brief.start_at, original.brief.end_at)


def test_the_name_of_a_clone_stays_within_its_bound():
    copy, _ = clone(a_draft(name="x" * 120), NOW, new_id)

    assert len(copy.brief.name) == 120
    assert copy.brief.name.endswith(" (copy)")


def test_every_event_names_campaign_brand_and_name():
    campaign = a_draft()

    event = obey(campaign, "submit")[0]

    assert event.to_data() == {"campaign_id": campaign.id, "brand_id": ACME_ID, "name": "Winter cups"}
