from dataclasses import replace
from itertools import permutations

import pytest

from payment.domain.errors import CampaignNotFound
from payment.events import EarningPosted, EarningsReleased
from payment.tests.fakes import FakePayments
from payment.tests.mothers import TERMS, Office, accrued, usd


@pytest.fixture
def campaign(office):
    office.deposit(50_000)
    office.reserve(10_000)
    return office


def postings_told(office: Office) -> list[EarningPosted]:
    return [event for event in office.payments.events if isinstance(event, EarningPosted)]


def test_an_earning_is_shared_between_streamer_and_platform(campaign):
    campaign.accrue(1_000)

    assert campaign.balance("str_nova", "streamer_pending") == 800
    assert campaign.balance("brd_acme", "campaign_escrow") == 9_000


def test_a_total_adds_only_what_is_new(campaign):
    campaign.accrue(1_000, number=1)

    campaign.accrue(1_300, number=2)

    assert campaign.balance("str_nova", "streamer_pending") == 1_040
    assert postings_told(campaign)[-1].gross_minor == 300


def test_the_same_total_again_changes_nothing_and_tells_nothing(campaign):
    campaign.accrue(1_000)

    campaign.accrue(1_000)

    assert len(postings_told(campaign)) == 1


@pytest.mark.parametrize("order", permutations([(1, 7), (2, 33), (3, 101)]))
def test_the_order_of_arrival_changes_no_total(order):
    office = Office(FakePayments())
    office.deposit(10_000)
    office.reserve(10_000)

    for number, total in order:
        office.accrue(total, number=number)

    assert office.balance("str_nova", "streamer_pending") == 101 - 20
    assert office.balance("brd_acme", "campaign_escrow") == 10_000 - 101


def test_what_a_participation_earned_meanwhile_is_one_posting(campaign):
    campaign.accrue_together(accrued(300, number=3), accrued(100, number=1), accrued(200, number=2))

    [told] = postings_told(campaign)
    assert (told.gross_minor, told.gross_total_minor, told.accrual) == (300, 300, 3)


def test_what_several_participations_earned_is_posted_together_and_told_apart(campaign):
    campaign.accrue_together(
        accrued(100), accrued(50, participation="prt_2", streamer="str_zoe"), accrued(150, number=2)
    )

    assert {told.streamer_id: told.gross_minor for told in postings_told(campaign)} == {
        "str_nova": 150,
        "str_zoe": 50,
    }
    assert campaign.balance("str_zoe", "streamer_pending") == 40
    assert campaign.balance("brd_acme", "campaign_escrow") == 10_000 - 200


def test_together_they_earn_no_more_than_the_escrow(campaign):
    campaign.accrue_together(accrued(9_000), accrued(9_000, participation="prt_2", streamer="str_zoe"))

    told = postings_told(campaign)
    assert [(each.gross_minor, each.refused_total_minor) for each in told] == [(9_000, 0), (1_000, 8_000)]
    assert campaign.balance("brd_acme", "campaign_escrow") == 0


def test_the_fee_is_taken_on_the_running_total_so_no_unit_is_lost(campaign):
    for number in range(1, 101):
        campaign.accrue(number, number=number)

    assert postings_told(campaign)[-1].fee_total_minor == 20
    assert campaign.balance("str_nova", "streamer_pending") == 80


def test_nothing_is_earned_beyond_the_escrow_and_the_rest_is_told_as_refused(campaign):
    campaign.accrue(10_500)

    told = postings_told(campaign)[-1]
    assert (told.gross_total_minor, told.refused_total_minor, told.escrow_left_minor) == (10_000, 500, 0)
    assert campaign.balance("brd_acme", "campaign_escrow") == 0


def test_an_accrual_that_finds_the_escrow_empty_moves_nothing_and_says_so(campaign):
    campaign.accrue(10_000, number=1)

    campaign.accrue(10_200, number=2)

    told = postings_told(campaign)[-1]
    assert (told.gross_minor, told.net_minor, told.refused_total_minor) == (0, 0, 200)


def test_earnings_for_a_campaign_without_a_budget_are_refused(office):
    office.accrue(100)

    assert postings_told(office)[-1].refused_total_minor == 100


def test_two_participations_share_what_is_left(campaign):
    campaign.accrue(8_000, participation="prt_1")

    campaign.accrue(8_000, participation="prt_2", streamer="str_luna")

    assert campaign.balance("str_luna", "streamer_pending") == 1_600
    assert postings_told(campaign)[-1].refused_total_minor == 6_000


def test_what_was_refused_is_paid_first_when_the_budget_grows(campaign):
    campaign.accrue(10_500)

    campaign.reserve(2_000)

    told = postings_told(campaign)[-1]
    assert (told.gross_minor, told.gross_total_minor, told.refused_total_minor) == (500, 10_500, 0)
    assert campaign.balance("str_nova", "streamer_pending") == 8_400
    assert campaign.release(earned=10_500)["returned"]["amount_minor"] == 1_500


def test_the_differences_that_are_told_add_up_to_the_totals(campaign):
    for number, total in enumerate((7, 33, 101, 10_400), start=1):
        campaign.accrue(total, number=number)
    campaign.reserve(150)

    told = postings_told(campaign)

    for figure in ("gross", "fee", "net"):
        added = sum(getattr(event, f"{figure}_minor") for event in told)
        assert added == getattr(told[-1], f"{figure}_total_minor")


def test_no_two_postings_of_a_participation_have_the_same_number(campaign):
    campaign.accrue(10_500, number=1)
    campaign.reserve(2_000)
    campaign.accrue(10_600, number=2)

    numbers = [told.accrual for told in postings_told(campaign)]

    assert numbers == [1, 2, 3]


def test_a_budget_that_grows_too_little_pays_of_what_was_refused_as_far_as_it_goes(campaign):
    campaign.accrue(10_300, participation="prt_1")
    campaign.accrue(400, participation="prt_2", streamer="str_luna")

    campaign.reserve(450)

    refused = {told.participation_id: told.refused_total_minor for told in postings_told(campaign)}
    assert refused == {"prt_1": 0, "prt_2": 250}
    assert campaign.balance("brd_acme", "campaign_escrow") == 0


def test_what_was_refused_and_paid_later_is_held_back_like_any_earning(campaign):
    campaign.accrue(10_500)
    campaign.reserve(2_000)
    campaign.clock.advance(TERMS.hold.total_seconds())

    campaign.release_holds()

    assert campaign.balance("str_nova", "streamer_available") == 8_400


@pytest.mark.parametrize("basis_points", [1_000, 3_000])
def test_a_fee_that_is_configured_anew_leaves_running_participations_alone(campaign, basis_points):
    campaign.accrue(1_000, number=1)

    campaign.accrue(1_001, number=2, terms=replace(TERMS, fee_basis_points=basis_points))

    assert (postings_told(campaign)[-1].fee_minor, campaign.balance("str_nova", "streamer_pending")) == (
        0,
        801,
    )


def test_a_total_in_another_currency_is_not_posted(campaign):
    with pytest.raises(Exception, match="currency_not_supported"):
        campaign.accrue(100, currency="EUR")


def test_an_accrual_that_names_another_brand_is_not_posted(office):
    office.deposit(100, by=None)
    office.payments.transaction(lambda: office.payments.budgets.lock("cmp_1", "brd_other", "USD"))

    with pytest.raises(CampaignNotFound):
        office.accrue(100)


def test_earnings_stay_pending_until_the_hold_has_passed(campaign):
    campaign.accrue(1_000)
    campaign.clock.advance(TERMS.hold.total_seconds() - 1)

    released = campaign.release_holds()

    assert released == 0
    assert campaign.balance("str_nova", "streamer_available") == 0


def test_held_earnings_are_released_once(campaign):
    campaign.accrue(1_000)
    campaign.clock.advance(TERMS.hold.total_seconds())
    campaign.release_holds()

    again = campaign.release_holds()

    assert again == 0
    assert campaign.balance("str_nova", "streamer_available") == 800
    assert campaign.balance("str_nova", "streamer_pending") == 0


def test_a_release_is_told_once_for_all_holds_of_a_streamer(campaign):
    campaign.accrue(1_000, number=1)
    campaign.accrue(2_000, number=2)
    campaign.clock.advance(TERMS.hold.total_seconds())

    campaign.release_holds()

    told = [event for event in campaign.payments.events if isinstance(event, EarningsReleased)]
    assert [event.amount for event in told] == [usd(1_600)]


def test_a_round_without_due_holds_does_nothing(office):
    assert office.release_holds() == 0
