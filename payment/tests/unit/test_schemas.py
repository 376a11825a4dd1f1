import pytest
from marshmallow import ValidationError

from payment import schemas

DEPOSIT = {
    "amount": {"amount_minor": 500, "currency": "USD"},
    "provider": "sandbox",
    "idempotency_key": "k",
}


def test_a_deposit_is_understood():
    assert schemas.MakeDeposit().load(DEPOSIT)["amount"].amount_minor == 500


@pytest.mark.parametrize("amount", [0, -1, 5.0, "5", True, None, 10**14])
def test_an_amount_is_a_positive_integer_of_minor_units(amount):
    with pytest.raises(ValidationError):
        schemas.MakeDeposit().load({**DEPOSIT, "amount": {"amount_minor": amount, "currency": "USD"}})


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a\nb", None, {"$ne": None}])
def test_an_idempotency_key_is_short_and_printable(key):
    with pytest.raises(ValidationError):
        schemas.MakeDeposit().load({**DEPOSIT, "idempotency_key": key})


@pytest.mark.parametrize("extra", [{"brand_id": "brd_x"}, {"status": "succeeded"}])
def test_nobody_sets_more_than_is_asked_for(extra):
    with pytest.raises(ValidationError):
        schemas.MakeDeposit().load({**DEPOSIT, **extra})


def test_a_webhook_has_a_size_that_we_are_willing_to_read():
    webhook = {"provider": "sandbox", "headers": {}, "body": "x" * (256 * 1024 + 1)}

    with pytest.raises(ValidationError):
        schemas.ProviderWebhook().load(webhook)
