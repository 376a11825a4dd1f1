"""What brand asks of a stored payment method, over the real broker and the sandbox."""

import pytest

from chassis.errors import Error


@pytest.fixture
def describe(world, rpc):
    return rpc("payment", user="brand").describe_payment_method


def refused(call, request):
    with pytest.raises(Error) as raised:
        call(request)
    return raised.value


def test_a_method_that_the_provider_stores_is_described(describe):
    assert describe({"provider": "sandbox", "reference": "pm_card_visa"}) == {
        "type": "card",
        "brand": "visa",
        "last4": "4242",
        "expires": "2034-12",
    }


def test_one_that_it_does_not_know_is_not_found(describe):
    error = refused(describe, {"provider": "sandbox", "reference": "pm_nobodys"})

    assert (error.code, error.status) == ("payment.payment_method_not_found", 404)


def test_a_provider_that_fails_says_nothing_about_the_method(describe, sandbox):
    sandbox.behave(fail_next=1)

    assert refused(describe, {"provider": "sandbox", "reference": "pm_card_visa"}).status == 503


@pytest.mark.parametrize("reference", ["pm_4242424242424242", "../payouts/po_1", "pm_x/../../payouts"])
def test_a_cards_number_or_a_path_never_reaches_the_provider(describe, reference):
    assert refused(describe, {"provider": "sandbox", "reference": reference}).status == 422


def test_nobody_but_brand_asks(world, rpc):
    request = {"provider": "sandbox", "reference": "pm_card_visa"}

    error = refused(rpc("payment", user="gateway").describe_payment_method, request)

    assert error.code == "rpc.caller_not_allowed"
