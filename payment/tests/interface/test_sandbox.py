"""The stand-in keeps a provider's promises, so that what is tested against it means something."""

import httpx
import pytest

from chassis.ids import new_id
from payment.tests.interface.conftest import API_KEY

ORDER = {"amount": 500, "currency": "USD", "reference": "dep_1"}


@pytest.fixture
def api(sandbox):
    with httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {API_KEY}"}) as client:
        yield client


def order(api, key: str | None = None, **changes):
    headers = {"Idempotency-Key": key or new_id("key")}
    return api.post("/v1/payment_intents", json={**ORDER, **changes}, headers=headers)


def test_the_same_key_and_order_are_one_payment(api):
    key = new_id("key")

    first, second = order(api, key), order(api, key)

    assert (first.status_code, first.json()["id"]) == (201, second.json()["id"])


def test_the_same_key_with_another_order_is_refused(api):
    key = new_id("key")
    order(api, key)

    assert order(api, key, amount=501).status_code == 409


@pytest.mark.parametrize("change", [{"amount": 0}, {"amount": 5.5}, {"currency": "usd"}, {"reference": ""}])
def test_an_order_that_makes_no_sense_is_refused(api, change):
    assert order(api, **change).status_code == 400


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {API_KEY}"])
def test_without_the_key_nothing_is_answered(sandbox, authorization):
    headers = {"Authorization": authorization}

    answer = httpx.get(f"{sandbox.url}/v1/balance_transactions", headers=headers)

    assert answer.status_code == 401


def test_an_order_whose_answer_is_lost_was_carried_out(api, sandbox):
    key = new_id("key")
    sandbox.behave(lose_next=1)

    lost = order(api, key)

    assert (lost.status_code, order(api, key).status_code) == (500, 201)


def test_what_is_not_known_is_said_to_be_missing(api):
    assert api.get("/v1/payouts/po_x").status_code == 404


@pytest.mark.parametrize("control", [{"fail_next": -1}, {"fail_next": True}, {"unheard_of": 1}])
def test_a_misbehaviour_that_is_not_understood_is_refused(sandbox, control):
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.behave(**control)
