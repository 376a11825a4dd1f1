import pytest

from chassis.money import Money
from payment.domain.errors import ProviderRefused
from payment.providers.amounts import from_decimal, from_stripe, to_decimal, to_stripe


@pytest.mark.parametrize(
    ("amount", "stripe", "decimal"),
    [
        (Money(1234, "USD"), 1234, "12.34"),
        (Money(5, "EUR"), 5, "0.05"),
        (Money(500, "JPY"), 500, "500"),
        (Money(12340, "KWD"), 12340, "12.340"),
        (Money(700, "UGX"), 70_000, "700"),
    ],
)
def test_an_amount_is_written_as_each_provider_wants_it_and_read_back(amount, stripe, decimal):
    assert (to_stripe(amount), to_decimal(amount)) == (stripe, decimal)
    assert from_stripe(stripe, amount.currency.lower()) == amount
    assert from_decimal(decimal, amount.currency) == amount


def test_whole_forints_alone_go_to_paypal():
    assert to_decimal(Money(100_00, "HUF")) == "100"
    assert from_decimal("100", "HUF") == Money(100_00, "HUF")
    with pytest.raises(ProviderRefused):
        to_decimal(Money(100_50, "HUF"))


def test_stripe_takes_no_single_thousandths():
    with pytest.raises(ProviderRefused):
        to_stripe(Money(12_345, "KWD"))


@pytest.mark.parametrize("value", ["", "1,00", "1.005", "1e3", "NaN", "--1", "1.", "9" * 17, "١"])
def test_what_is_no_amount_of_dollars_is_not_read(value):
    with pytest.raises(ValueError):
        from_decimal(value, "USD")


def test_what_left_has_a_sign():
    assert from_decimal("-3.50", "USD") == Money(-350, "USD")
