import pytest

from chassis.money import Money
from payment.domain.errors import InsufficientFunds
from payment.domain.ledger import (
    AccountKind,
    Posting,
    Transaction,
    TransactionKind,
    balances_after,
    brand_available,
    campaign_escrow,
    provider_clearing,
    streamer_account,
    transfer,
)
from payment.tests.mothers import MORNING, usd

WALLET = brand_available("brd_acme", "USD")
ESCROW = campaign_escrow("cmp_1", "brd_acme", "USD")
CLEARING = provider_clearing("sandbox", "USD")


def transaction(*postings: Posting) -> Transaction:
    return Transaction("txn_1", TransactionKind.RESERVATION, "cmp_1", MORNING, postings)


def test_postings_that_do_not_sum_to_zero_are_no_transaction():
    with pytest.raises(ValueError, match="sum to zero"):
        transaction(Posting(WALLET, usd(-100)), Posting(ESCROW, usd(99)))


def test_currencies_do_not_make_up_for_one_another():
    euros = brand_available("brd_acme", "EUR")

    with pytest.raises(ValueError, match="sum to zero"):
        transaction(Posting(WALLET, usd(-100)), Posting(euros, Money(100, "EUR")))


def test_a_single_posting_is_no_transaction():
    with pytest.raises(ValueError, match="at least two"):
        transaction(Posting(WALLET, usd(0)))


def test_a_posting_is_in_the_currency_of_its_account():
    with pytest.raises(ValueError, match="currency of its account"):
        transaction(Posting(WALLET, Money(-100, "EUR")), Posting(ESCROW, Money(100, "EUR")))


def test_a_transfer_takes_from_one_and_gives_to_the_other():
    after = balances_after(transaction(*transfer(usd(70), WALLET, ESCROW)), {WALLET: 100, ESCROW: 5})

    assert after == {WALLET: 30, ESCROW: 75}


def test_an_account_is_not_overdrawn_and_the_error_says_what_it_holds():
    with pytest.raises(InsufficientFunds) as refused:
        balances_after(transaction(*transfer(usd(101), WALLET, ESCROW)), {WALLET: 100, ESCROW: 0})

    assert refused.value.extra["available"] == {"amount_minor": 100, "currency": "USD"}


def test_only_the_providers_clearing_account_may_be_negative():
    after = balances_after(transaction(*transfer(usd(500), CLEARING, WALLET)), {CLEARING: 0, WALLET: 0})

    assert after[CLEARING] == -500


def test_everybody_locks_accounts_in_one_order_whichever_way_money_moves():
    there = transaction(*transfer(usd(1), WALLET, ESCROW))
    back = transaction(*transfer(usd(1), ESCROW, WALLET))

    assert there.accounts == back.accounts


def test_an_account_is_the_same_whoever_looks_at_it():
    assert streamer_account(AccountKind.STREAMER_PENDING, "str_nova", "USD") in {
        streamer_account(AccountKind.STREAMER_PENDING, "str_nova", "USD")
    }
