import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.money import Money

amounts = st.integers(-(10**15), 10**15)


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_the_parts_of_a_split_sum_to_the_whole(amount, weights):
    parts = Money(amount, "USD").split(weights)

    assert sum(part.amount_minor for part in parts) == amount
    assert len(parts) == len(weights)


@given(st.integers(0, 10**15), st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any))
def test_no_part_is_a_whole_unit_away_from_its_share(amount, weights):
    parts = Money(amount, "USD").split(weights)

    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount_minor * sum(weights) - amount * weight) < sum(weights)


def test_ties_of_a_split_go_to_the_earlier_part():
    assert [part.amount_minor for part in Money(100, "USD").split([1, 1, 1])] == [34, 33, 33]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_weights_that_split_nothing_are_refused(weights):
    with pytest.raises(ValueError):
        Money(100, "USD").split(weights)


def test_a_share_is_rounded_down():
    assert Money(999, "USD").share(2000) == Money(199, "USD")


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="cannot mix"):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(ValueError, match="cannot mix"):
        _ = Money(1, "USD") < Money(1, "EUR")


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_an_amount_is_an_integer_and_nothing_else(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")


def test_an_amount_beyond_32_bits_comes_back_from_mongodb():
    stored = bson.decode(bson.encode(Money(3_000_000_000, "USD").to_dict()))

    assert Money.from_dict(stored) == Money(3_000_000_000, "USD")


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDX", "ÜSD"])
def test_a_currency_is_an_iso_code(currency):
    with pytest.raises(ValueError):
        Money(1, currency)


def test_money_reads_as_people_write_it():
    assert str(Money(-123456789, "USD")) == "-1,234,567.89 USD"
