"""Counting places and money from events in any order, any number of times."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from campaign import handlers
from campaign.domain.participant import Participant
from campaign.tests.fakes import FakeCampaigns, FakeSagas
from campaign.tests.mothers import CAMPAIGN_ID, NOW, PARTICIPATION_ID, a_campaign
from chassis.clock import FixedClock
from chassis.event import ReceivedEvent
from chassis.money import Money


def earning(participation_id: str, total: int, refused: int = 0) -> ReceivedEvent:
    data = {
        "participation_id": participation_id,
        "campaign_id": CAMPAIGN_ID,
        "gross_total_minor": total,
        "refused_total_minor": refused,
    }
    return ReceivedEvent(
        id=f"{participation_id}-{total}",
        type="earning_posted",
        source="payment",
        time=NOW,
        subject=participation_id,
        version=1,
        data=data,
    )


def happened(type: str, participation_id: str = PARTICIPATION_ID) -> ReceivedEvent:
    return replace(earning(participation_id, 0), type=type)


@pytest.fixture
def campaigns() -> FakeCampaigns:
    campaigns = FakeCampaigns()
    campaigns.add(a_campaign("active"), [])
    return campaigns


@pytest.fixture
def sagas() -> FakeSagas:
    return FakeSagas()


@pytest.fixture
def tell(campaigns, sagas):
    def tell(*events: ReceivedEvent) -> None:
        for event in events:
            if event.type == "earning_posted":
                handlers.record_earnings(campaigns, sagas, FixedClock(NOW), [event])
            else:
                handlers.record_participation(campaigns, sagas, FixedClock(NOW), event)

    return tell


def test_approved_participations_take_places(campaigns, tell):
    tell(happened("participation_approved", "prt_1"), happened("participation_approved", "prt_2"))

    campaign = campaigns.get(CAMPAIGN_ID)
    assert (campaign.participants, campaign.places_left) == (2, 98)


@pytest.mark.parametrize("gone", ["participation_left", "participation_removed"])
def test_who_goes_gives_the_place_back_whatever_arrives_first(campaigns, tell, gone: str):
    tell(happened(gone), happened("participation_approved"), happened(gone))

    assert campaigns.get(CAMPAIGN_ID).participants == 0


def test_several_totals_of_one_participation_in_a_batch_count_as_the_highest(campaigns, sagas):
    totals = [("prt_1", 500), ("prt_2", 70), ("prt_1", 900), ("prt_1", 700)]
    batch = [earning(key, total) for key, total in totals]

    handlers.record_earnings(campaigns, sagas, FixedClock(NOW), batch)

    assert campaigns.get(CAMPAIGN_ID).spent_minor == 970
    assert campaigns.participants(["prt_1"])["prt_1"].earned_minor == 900


def test_a_repeated_event_saves_nothing(campaigns, tell):
    tell(happened("participation_approved"))
    version = campaigns.get(CAMPAIGN_ID).version

    tell(happened("participation_approved"))

    assert campaigns.get(CAMPAIGN_ID).version == version


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_and_repeated_earnings_spend_the_same(campaigns, tell, seed: int):
    events = [earning(f"prt_{p}", total) for p in range(4) for total in (100, 250, 900)]
    arriving = events * 2
    random.Random(seed).shuffle(arriving)

    tell(*arriving)

    assert campaigns.get(CAMPAIGN_ID).spent_minor == 4 * 900


def test_a_late_earning_changes_no_total(campaigns, tell):
    tell(earning("prt_1", 900))

    tell(earning("prt_1", 250))

    assert campaigns.get(CAMPAIGN_ID).spent_minor == 900


def test_a_batch_over_two_campaigns_is_credited_to_each(campaigns, sagas):
    other_id = f"{CAMPAIGN_ID[:-1]}n"
    campaigns.add(a_campaign("active", campaign_id=other_id), [])
    of_other = earning("prt_2", 300)
    of_other.data["campaign_id"] = other_id

    handlers.record_earnings(
        campaigns, sagas, FixedClock(NOW), [earning("prt_1", 100), of_other, earning("prt_3", 50)]
    )

    assert campaigns.get(CAMPAIGN_ID).spent_minor == 150
    assert campaigns.get(other_id).spent_minor == 300


def test_the_last_unit_spent_completes_the_campaign_and_settles_it(campaigns, sagas, tell):
    tell(earning("prt_1", 50_000))

    assert campaigns.get(CAMPAIGN_ID).status == "completed"
    assert [event.reason for event in campaigns.events] == ["budget_spent"]
    assert [run.key for run in sagas.of_type("campaign_completion")] == [CAMPAIGN_ID]


def test_a_refusal_completes_the_campaign_once_all_that_the_ledger_paid_is_known(campaigns, tell):
    tell(earning("prt_1", 49_990, refused=15))

    tell(earning("prt_2", 10))

    assert campaigns.get(CAMPAIGN_ID).status == "completed"


def test_a_refusal_that_arrives_after_the_budget_has_grown_does_not_end_the_run(campaigns, tell):
    campaign = campaigns.get(CAMPAIGN_ID)
    campaign.announce_budget(Money(90_000, "USD"), NOW)
    campaign.raise_budget(Money(90_000, "USD"), NOW)
    campaigns.save(campaign, [])

    tell(earning("prt_1", 50_000, refused=15))

    assert campaigns.get(CAMPAIGN_ID).status == "active"


def test_earnings_posted_after_the_end_are_still_counted(campaigns, sagas, tell):
    tell(earning("prt_1", 50_000, refused=1))

    tell(earning("prt_2", 1))

    assert campaigns.get(CAMPAIGN_ID).spent_minor == 50_001
    assert len(sagas.runs) == 1


def test_merging_never_takes_anything_back():
    known = Participant(id="prt_1", campaign_id=CAMPAIGN_ID, was_approved=True, earned_minor=5)

    merged = known.merged(Participant(id="prt_1", campaign_id=CAMPAIGN_ID, earned_minor=3))

    assert merged == known
