"""The use cases, with fakes around them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign import handlers
from campaign.domain.errors import AssetNotReady, CampaignNotFound
from campaign.tests.fakes import FakeAssets, FakeCampaigns, FakeSagas, FakeStreamers
from campaign.tests.mothers import (
    ACME_ID,
    BANNER_ID,
    CAMPAIGN_ID,
    MISSING_ID,
    NOVA_ID,
    NOW,
    a_brief,
    a_campaign,
    acme,
    ada_the_admin,
    globex,
    nova,
    novas_eligibility,
)
from chassis.clock import FixedClock
from chassis.errors import Forbidden, PreconditionFailed, Unauthenticated, ValidationFailed
from chassis.ids import new_id
from chassis.money import Money
from chassis.principal import ANONYMOUS

PAGE = {"limit": 20, "cursor": None}
THE_CAMPAIGN = {"campaign_id": CAMPAIGN_ID}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def campaigns() -> FakeCampaigns:
    return FakeCampaigns()


def test_a_brand_creates_a_draft_of_its_own(campaigns, clock):
    campaign = handlers.create(campaigns, clock, new_id, acme(), a_brief())

    stored = campaigns.get(campaign.id)
    assert (stored.status, stored.brand_id, stored.version) == ("draft", ACME_ID, 1)
    assert stored.brief.creatives[0].creative_id.startswith("crv_")
    assert [event.type for event in campaigns.events] == ["campaign_created"]


@pytest.mark.parametrize(
    ("by", "error"), [(nova(), Forbidden), (ada_the_admin(), Forbidden), (ANONYMOUS, Unauthenticated)]
)
def test_only_brands_create(campaigns, clock, by, error):
    with pytest.raises(error):
        handlers.create(campaigns, clock, new_id, by, a_brief())


@pytest.mark.parametrize(
    ("status", "by", "is_seen"),
    [
        ("draft", acme(), True),
        ("draft", globex(), False),
        ("draft", ada_the_admin(), True),
        ("draft", nova(), False),
        ("approved", nova(), False),
        ("active", nova(), True),
        ("paused", nova(), True),
        ("completed", nova(), True),
        ("active", globex(), False),
    ],
)
def test_who_sees_a_campaign(campaigns, status: str, by, is_seen: bool):
    campaigns.add(a_campaign(status), [])

    if is_seen:
        assert handlers.get(campaigns, by, THE_CAMPAIGN).id == CAMPAIGN_ID
    else:
        with pytest.raises(CampaignNotFound):
            handlers.get(campaigns, by, THE_CAMPAIGN)


def test_somebody_elses_campaign_is_edited_like_a_missing_one(campaigns, clock):
    campaigns.add(a_campaign("draft"), [])
    refusals = []

    for campaign_id in (CAMPAIGN_ID, MISSING_ID):
        command = {"campaign_id": campaign_id, "name": "Mine"}
        with pytest.raises(CampaignNotFound) as refused:
            handlers.update(campaigns, FakeSagas(), clock, new_id, globex(), command)
        refusals.append(refused.value.to_wire())

    assert refusals[0] == refusals[1]


def test_an_update_that_changes_nothing_makes_no_event(campaigns, clock):
    campaigns.add(a_campaign("draft"), [])

    handlers.update(campaigns, FakeSagas(), clock, new_id, acme(), {**THE_CAMPAIGN, "name": "Winter cups"})

    assert campaigns.events == []


def renamed(campaigns, clock, expected, by=None, **changes):
    command = {**THE_CAMPAIGN, "name": "Summer cups", **changes, "expected_versions": expected}
    return handlers.update(campaigns, FakeSagas(), clock, new_id, by or acme(), command)


@pytest.mark.parametrize("expected", [[1], [7, 1], None])
def test_a_change_that_is_meant_for_this_version_is_made(campaigns, clock, expected):
    campaigns.add(a_campaign("draft"), [])

    assert renamed(campaigns, clock, expected).version == 2


@pytest.mark.parametrize("expected", [[0], [2, 3], []])
def test_a_change_that_is_meant_for_another_version_is_not_made(campaigns, clock, expected):
    campaigns.add(a_campaign("draft"), [])

    with pytest.raises(PreconditionFailed):
        renamed(campaigns, clock, expected)

    assert (campaigns.get(CAMPAIGN_ID).version, campaigns.events) == (1, [])


def test_more_budget_too_is_asked_for_one_version_only(campaigns, clock):
    campaigns.add(a_campaign("active"), [])
    command = {**THE_CAMPAIGN, "budget": Money(90_000_000, "USD"), "expected_versions": [0]}

    with pytest.raises(PreconditionFailed):
        handlers.update(campaigns, FakeSagas(), clock, new_id, acme(), command)

    assert campaigns.get(CAMPAIGN_ID).version == 1


def test_which_version_somebody_elses_campaign_has_is_not_told(campaigns, clock):
    campaigns.add(a_campaign("draft"), [])

    with pytest.raises(CampaignNotFound):
        renamed(campaigns, clock, [9], by=globex())


def test_a_deleted_draft_is_gone(campaigns):
    campaigns.add(a_campaign("draft"), [])

    handlers.delete(campaigns, acme(), THE_CAMPAIGN)

    with pytest.raises(CampaignNotFound):
        campaigns.get(CAMPAIGN_ID)
    assert [event.type for event in campaigns.events] == ["campaign_deleted"]


def test_submitting_with_an_asset_that_is_not_ready_leaves_a_draft(campaigns, clock):
    campaigns.add(a_campaign("draft"), [])
    assets = FakeAssets({BANNER_ID: (ACME_ID, "processing")})

    with pytest.raises(AssetNotReady):
        handlers.submit(campaigns, assets, clock, acme(), THE_CAMPAIGN)

    assert campaigns.get(CAMPAIGN_ID).status == "draft"


def test_a_brand_clones_only_its_own(campaigns, clock):
    campaigns.add(a_campaign("completed"), [])

    with pytest.raises(CampaignNotFound):
        handlers.clone_campaign(campaigns, clock, new_id, globex(), THE_CAMPAIGN)

    assert handlers.clone_campaign(campaigns, clock, new_id, acme(), THE_CAMPAIGN).id != CAMPAIGN_ID


def test_the_marketplace_says_for_each_campaign_whether_it_fits(campaigns, clock):
    fitting, demanding = new_id("cmp"), new_id("cmp")
    campaigns.add(a_campaign("active", campaign_id=fitting), [])
    needs_50 = {"min_average_viewers": 50}
    campaigns.add(a_campaign("active", campaign_id=demanding, requirements=needs_50), [])

    offers = handlers.marketplace(campaigns, FakeStreamers(novas_eligibility()), clock, nova(), PAGE).items

    assert {offer.campaign.id: (offer.eligible, offer.reasons) for offer in offers} == {
        fitting: (True, []),
        demanding: (False, ["average_viewers 34, needs 50"]),
    }


@pytest.mark.parametrize("by", [acme(), ada_the_admin()])
def test_the_marketplace_is_for_streamers(campaigns, clock, by):
    with pytest.raises(Forbidden):
        handlers.marketplace(campaigns, FakeStreamers(novas_eligibility()), clock, by, PAGE)


def test_joining_is_checked_with_the_figures_of_the_moment(campaigns):
    campaigns.add(a_campaign("active", requirements={"min_average_viewers": 50}), [])
    streamers = FakeStreamers(novas_eligibility())

    joining = handlers.check_joining(campaigns, streamers, {**THE_CAMPAIGN, "streamer_id": NOVA_ID})

    assert joining.reasons == ["average_viewers 34, needs 50"]
    assert joining.eligibility["platforms"][0]["average_viewers"] == 34


@pytest.mark.parametrize(("by", "error"), [(acme(), Forbidden), (nova(), Forbidden)])
def test_the_review_queue_is_for_admins(campaigns, by, error):
    with pytest.raises(error):
        handlers.review_queue(campaigns, by, PAGE)


@pytest.mark.parametrize("by", [acme(), ada_the_admin()])
def test_the_history_is_for_the_brand_and_for_admins(campaigns, by):
    campaigns.add(*_created())

    found = handlers.history(campaigns, by, {**THE_CAMPAIGN, **PAGE})

    assert [entry["type"] for entry in found.items] == ["campaign_submitted"]


def test_somebody_elses_history_is_missing(campaigns):
    campaigns.add(*_created())

    with pytest.raises(CampaignNotFound):
        handlers.history(campaigns, globex(), {**THE_CAMPAIGN, **PAGE})


def _created():
    campaign = a_campaign("draft")
    return campaign, campaign.submit(NOW)


def test_more_budget_for_a_running_campaign_comes_alone(campaigns, clock):
    campaigns.add(a_campaign("active"), [])
    more = Money(60_000, "USD")
    command = {**THE_CAMPAIGN, "budget": more, "pacing": "asap"}

    with pytest.raises(ValidationFailed):
        handlers.update(campaigns, FakeSagas(), clock, new_id, acme(), command)

    assert campaigns.get(CAMPAIGN_ID).brief.pacing == "even"


def test_a_sweep_without_anything_due_ends_nothing(campaigns, clock):
    campaigns.add(a_campaign("active"), [])

    assert handlers.run_once(campaigns, FakeSagas(), clock) == 0


def test_a_sweep_completes_what_has_passed_its_end(campaigns, clock):
    running, paused, draft = new_id("cmp"), new_id("cmp"), new_id("cmp")
    for campaign_id, status in ((running, "active"), (paused, "paused"), (draft, "draft")):
        campaigns.add(a_campaign(status, campaign_id=campaign_id), [])
    clock.advance(seconds=timedelta(days=15).total_seconds())
    sagas = FakeSagas()

    ended = handlers.run_once(campaigns, sagas, clock)

    assert ended == 2
    assert {campaigns.get(c).status for c in (running, paused)} == {"completed"}
    assert campaigns.get(draft).status == "draft"
    assert {run.key for run in sagas.of_type("campaign_completion")} == {running, paused}


def test_a_campaign_that_never_ran_is_cancelled_without_touching_money(campaigns, clock):
    campaigns.add(a_campaign("approved"), [])
    sagas = FakeSagas()

    handlers.cancel(campaigns, sagas, clock, acme(), THE_CAMPAIGN)

    assert sagas.runs == {}


@pytest.mark.parametrize("status", ["active", "paused"])
def test_a_campaign_that_ran_is_cancelled_with_its_money_settled(campaigns, clock, status: str):
    campaigns.add(a_campaign(status), [])
    sagas = FakeSagas()

    handlers.cancel(campaigns, sagas, clock, acme(), THE_CAMPAIGN)

    assert len(sagas.of_type("campaign_completion")) == 1
