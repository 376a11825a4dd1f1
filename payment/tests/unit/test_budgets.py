import pytest

from payment.domain.errors import (
    CampaignNotFound,
    CurrencyNotSupported,
    EarningsOutstanding,
    IdempotencyKeyReused,
    InsufficientFunds,
)
from payment.events import BudgetReserved, BudgetReturned
from payment.handlers.budgets import Reserve, reserve
from payment.tests.mothers import TERMS, Money, new_id, usd


def test_reserving_moves_money_from_the_wallet_into_escrow(office):
    office.deposit(50_000)

    answer = office.reserve(20_000)

    assert answer["escrow"] == {"amount_minor": 20_000, "currency": "USD"}
    assert office.balance("brd_acme", "brand_available") == 30_000
    assert office.balance("brd_acme", "campaign_escrow") == 20_000


def test_a_reservation_is_told(office):
    office.deposit(50_000)

    office.reserve(20_000)

    told = BudgetReserved(campaign_id="cmp_1", brand_id="brd_acme", amount=usd(20_000))
    assert told in office.payments.events


def test_a_second_campaign_cannot_reserve_what_the_first_one_holds(office):
    office.deposit(50_000)
    office.reserve(40_000)

    with pytest.raises(InsufficientFunds):
        office.reserve(20_000, campaign="cmp_2")

    assert office.balance("brd_acme", "campaign_escrow") == 40_000


def test_the_same_key_and_request_reserve_once(office):
    office.deposit(50_000)
    first = office.reserve(20_000, key="k")

    second = office.reserve(20_000, key="k")

    assert second == first
    assert office.balance("brd_acme", "campaign_escrow") == 20_000


def test_the_same_key_with_another_amount_is_refused(office):
    office.deposit(50_000)
    office.reserve(20_000, key="k")

    with pytest.raises(IdempotencyKeyReused):
        office.reserve(20_001, key="k")


def test_a_key_whose_request_failed_is_free_to_be_tried_again(office):
    with pytest.raises(InsufficientFunds):
        office.reserve(20_000, key="k")
    office.deposit(50_000)

    office.reserve(20_000, key="k")

    assert office.balance("brd_acme", "campaign_escrow") == 20_000


def test_two_campaigns_may_choose_the_same_key(office):
    office.deposit(50_000)
    office.reserve(20_000, key="k")

    office.reserve(10_000, campaign="cmp_2", key="k")

    assert office.balance("brd_acme", "campaign_escrow") == 30_000


def test_another_brand_cannot_reserve_for_a_campaign_that_is_not_its_own(office):
    office.deposit(50_000)
    office.reserve(20_000)

    with pytest.raises(CampaignNotFound):
        office.reserve(1, brand="brd_other")


def test_a_wallet_holds_one_currency(office):
    command = Reserve("cmp_1", "brd_acme", Money(100, "EUR"), "k")

    with pytest.raises(CurrencyNotSupported):
        reserve(office.payments, office.clock, new_id, "USD", TERMS, command)


def test_what_was_not_earned_returns_to_the_wallet(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.accrue(5_000)

    answer = office.release(earned=5_000)

    assert answer == {"returned": {"amount_minor": 15_000, "currency": "USD"}}
    assert office.balance("brd_acme", "brand_available") == 45_000
    told = BudgetReturned(campaign_id="cmp_1", brand_id="brd_acme", amount=usd(15_000))
    assert told in office.payments.events


def test_nothing_returns_before_all_earnings_are_posted(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.accrue(5_000)

    with pytest.raises(EarningsOutstanding):
        office.release(earned=5_001)

    assert office.balance("brd_acme", "campaign_escrow") == 15_000


def test_refused_earnings_count_as_arrived(office):
    office.deposit(1_000)
    office.reserve(1_000)
    office.accrue(1_500)

    answer = office.release(earned=1_500)

    assert answer["returned"]["amount_minor"] == 0


def test_a_budget_returns_once(office):
    office.deposit(50_000)
    office.reserve(20_000)
    office.release(key="first")

    again = office.release(key="second")

    assert again["returned"]["amount_minor"] == 0
    assert office.balance("brd_acme", "brand_available") == 50_000


def test_releasing_what_was_never_reserved_returns_nothing(office):
    answer = office.release()

    assert answer["returned"]["amount_minor"] == 0
