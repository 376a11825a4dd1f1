"""What every store of campaigns promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaign.domain.campaign import STATES, new_campaign
from campaign.domain.errors import CampaignNotFound, ConcurrentUpdate
from campaign.domain.participant import Participant
from campaign.storage import MongoCampaigns
from campaign.tests.mothers import (
    ACME_ID,
    CAMPAIGN_ID,
    GLOBEX_ID,
    MISSING_ID,
    NOVA_ID,
    NOW,
    a_campaign,
    a_draft,
)
from chassis.errors import ValidationFailed
from chassis.ids import new_id
from chassis.money import Money
from chassis.pagination import encode_cursor


def pages(fetch, limit: int) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = fetch(limit, cursor)
        found.append([campaign.id for campaign in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return found


def add(campaigns, status: str = "active", **options) -> str:
    campaign = a_campaign(status, **{"campaign_id": new_id("cmp"), **options})
    campaigns.add(campaign, [])
    return campaign.id


@pytest.mark.parametrize("status", STATES)
def test_a_campaign_comes_back_as_it_went(campaigns, status: str):
    campaign = a_campaign(status)
    campaigns.add(campaign, [])

    found = campaigns.get(CAMPAIGN_ID)

    assert found == campaign
    assert found.version == 1


def test_every_optional_field_comes_back(campaigns):
    campaign = a_campaign("completed", targeting={"countries": ["DE"]}, blocked_streamers=[NOVA_ID])
    campaign.pending_budget = Money(60_000, "USD")
    campaign.returned = Money(10, "USD")
    campaign.rejection_reason, campaign.activation_error = "why", "how"
    campaign.spent_minor, campaign.participants = 7, 3
    campaign.low_budget_warned = True
    campaigns.add(campaign, [])

    assert campaigns.get(CAMPAIGN_ID) == campaign


def test_several_campaigns_are_found_at_once_and_what_is_missing_is_left_out(campaigns):
    first, second = add(campaigns), add(campaigns)
    add(campaigns)

    found = campaigns.these([second, MISSING_ID, first])

    assert [campaign.id for campaign in found] == sorted([first, second])


def test_a_missing_campaign_is_not_found(campaigns):
    with pytest.raises(CampaignNotFound):
        campaigns.get(MISSING_ID)


def test_saving_raises_the_version(campaigns):
    add(campaigns, campaign_id=CAMPAIGN_ID)
    campaign = campaigns.get(CAMPAIGN_ID)

    campaigns.save(campaign, campaign.pause(NOW))

    stored = campaigns.get(CAMPAIGN_ID)
    assert (stored.version, stored.status) == (2, "paused")


def test_whoever_saves_second_is_told(campaigns):
    add(campaigns, campaign_id=CAMPAIGN_ID)
    first, second = campaigns.get(CAMPAIGN_ID), campaigns.get(CAMPAIGN_ID)
    campaigns.save(first, first.pause(NOW))

    with pytest.raises(ConcurrentUpdate):
        campaigns.save(second, second.pause(NOW))

    assert campaigns.get(CAMPAIGN_ID).version == 2


def test_whoever_removes_what_was_changed_is_told(campaigns):
    add(campaigns, "draft", campaign_id=CAMPAIGN_ID)
    first, second = campaigns.get(CAMPAIGN_ID), campaigns.get(CAMPAIGN_ID)
    campaigns.save(first, first.update({"name": "Summer cups"}, NOW))

    with pytest.raises(ConcurrentUpdate):
        campaigns.remove(second, second.delete())


def test_a_removed_draft_is_gone_and_its_history_stays(campaigns):
    add(campaigns, "draft", campaign_id=CAMPAIGN_ID)
    campaign = campaigns.get(CAMPAIGN_ID)

    campaigns.remove(campaign, campaign.delete())

    with pytest.raises(CampaignNotFound):
        campaigns.get(CAMPAIGN_ID)
    assert [e["type"] for e in campaigns.history(CAMPAIGN_ID, 10, None).items] == ["campaign_deleted"]


def test_a_transaction_that_fails_leaves_nothing(campaigns):
    def work() -> None:
        add(campaigns, campaign_id=CAMPAIGN_ID)
        campaigns.save_participants([Participant(id="prt_1", campaign_id=CAMPAIGN_ID)])
        raise CampaignNotFound

    with pytest.raises(CampaignNotFound):
        campaigns.transaction(work)

    assert campaigns.participants(["prt_1"]) == {}
    with pytest.raises(CampaignNotFound):
        campaigns.get(CAMPAIGN_ID)


def test_a_brand_sees_its_own_newest_first_in_pages(campaigns):
    mine = [add(campaigns) for _ in range(5)]
    add(campaigns, brand_id=GLOBEX_ID)

    found = pages(lambda limit, cursor: campaigns.of_brand(ACME_ID, None, limit, cursor), 2)

    newest_first = sorted(mine, reverse=True)
    assert found == [newest_first[:2], newest_first[2:4], newest_first[4:]]


def test_a_full_last_page_has_no_next_one(campaigns):
    for _ in range(2):
        add(campaigns)

    assert campaigns.of_brand(ACME_ID, None, 2, None).next_cursor is None


def test_a_brand_asks_for_one_status(campaigns):
    draft = add(campaigns, "draft")
    add(campaigns, "active")

    assert [c.id for c in campaigns.of_brand(ACME_ID, "draft", 10, None).items] == [draft]


def test_who_waits_longest_is_reviewed_first(campaigns):
    late = add(campaigns, "pending_review", at=NOW + timedelta(hours=1))
    early = add(campaigns, "pending_review", at=NOW)
    same_time = add(campaigns, "pending_review", at=NOW)
    add(campaigns, "approved")

    found = pages(campaigns.awaiting_review, 1)

    assert found == [[early], [same_time], [late]]


def test_the_marketplace_holds_what_is_open_to_the_streamer(campaigns):
    open_to_all = add(campaigns)
    add(campaigns, blocked_streamers=[NOVA_ID])
    add(campaigns, end_at=NOW + timedelta(seconds=1))
    for status in ("draft", "approved", "paused", "completed"):
        add(campaigns, status)
    spent = a_campaign("active", campaign_id=new_id("cmp"))
    spent.spent_minor = 50_000
    campaigns.add(spent, [])

    found = campaigns.open_to(NOVA_ID, NOW + timedelta(seconds=1), 10, None)

    assert [campaign.id for campaign in found.items] == [open_to_all]


def test_what_is_due_to_end_has_run_out_of_time_or_money(campaigns):
    later = NOW + timedelta(days=14)
    ended, ended_paused = add(campaigns), add(campaigns, "paused")
    add(campaigns, end_at=later + timedelta(seconds=1))
    add(campaigns, "draft")
    add(campaigns, "completed")
    spent = a_campaign("active", campaign_id=new_id("cmp"), end_at=later + timedelta(days=1))
    spent.spent_minor = 50_000
    campaigns.add(spent, [])

    assert sorted(campaigns.due_to_end(later, 10)) == sorted([ended, ended_paused, spent.id])
    assert len(campaigns.due_to_end(later, 2)) == 2


def test_participants_are_replaced_by_what_is_known_later(campaigns):
    campaigns.save_participants([Participant(id=key, campaign_id=CAMPAIGN_ID) for key in ("prt_1", "prt_2")])

    later = Participant(id="prt_1", campaign_id=CAMPAIGN_ID, earned_minor=5)
    campaigns.save_participants([later, Participant(id="prt_3", campaign_id=CAMPAIGN_ID)])
    campaigns.save_participants([])

    assert campaigns.participants(["prt_1", "prt_2", "prt_4"]) == {
        "prt_1": later,
        "prt_2": Participant(id="prt_2", campaign_id=CAMPAIGN_ID),
    }
    assert campaigns.participants([]) == {}


@pytest.mark.parametrize("key", [[{"$ne": ""}], [1], ["a", "b", "c"]])
def test_a_cursor_of_another_shape_is_refused(mongo, outbox, key):
    campaigns = MongoCampaigns(mongo, outbox)

    with pytest.raises(ValidationFailed):
        campaigns.of_brand(ACME_ID, None, 10, encode_cursor(key))


@pytest.mark.parametrize("key", [["not a time", CAMPAIGN_ID], [{"$gt": ""}, CAMPAIGN_ID]])
def test_a_cursor_of_the_queue_without_a_time_is_refused(mongo, outbox, key):
    campaigns = MongoCampaigns(mongo, outbox)

    with pytest.raises(ValidationFailed):
        campaigns.awaiting_review(10, encode_cursor(key))


def test_a_draft_is_added_with_its_event(campaigns):
    draft, events = new_campaign(CAMPAIGN_ID, ACME_ID, a_draft().brief, NOW)

    campaigns.add(draft, events)

    assert [e["type"] for e in campaigns.history(CAMPAIGN_ID, 10, None).items] == ["campaign_created"]
