from __future__ import annotations

from dataclasses import replace

import pytest

from brand import handlers
from brand.domain.profile import (
    MOST_PAYMENT_METHODS,
    BillingInfo,
    PaymentMethodNotFound,
    TooManyPaymentMethods,
)
from brand.tests.fakes import FakePayments, FakeProfiles
from brand.tests.mothers import MONDAY, a_visa, acme, owner_of
from chassis.clock import FixedClock
from chassis.errors import Forbidden, NotFound
from chassis.ids import new_id

CLOCK = FixedClock(MONDAY)


class World:
    def __init__(self) -> None:
        self.profiles, self.payments = FakeProfiles(), FakePayments()
        profile = acme(billing_info=BillingInfo(tax_id="US-1"))
        self.profiles.add(profile)
        self.owner = owner_of(profile.id)

    def add(self, reference="pm_card_visa", by=None):
        return handlers.add_payment_method(
            self.profiles,
            self.payments,
            CLOCK,
            new_id,
            by or self.owner,
            provider="sandbox",
            reference=reference,
        )

    def remove(self, method_id, by=None):
        handlers.remove_payment_method(self.profiles, CLOCK, by or self.owner, payment_method_id=method_id)

    @property
    def stored(self):
        return self.profiles.get(self.owner.id).billing_info


@pytest.fixture
def world():
    return World()


def test_what_the_provider_says_of_it_is_stored_and_announced_without_that(world):
    method = world.add()

    assert world.stored == BillingInfo(tax_id="US-1", payment_methods=(method,))
    assert (method.brand, method.last4, method.expires) == ("visa", "4242", "2034-12")
    [event] = world.profiles.events
    assert event.to_data() == {
        "brand_id": world.owner.id,
        "payment_method_id": method.id,
        "provider": "sandbox",
    }


def test_the_same_reference_again_is_the_same_method(world):
    first = world.add()

    assert world.add() == first
    assert len(world.profiles.events) == 1


def test_what_the_provider_does_not_know_is_not_stored(world):
    with pytest.raises(NotFound):
        world.add("pm_unknown")

    assert world.stored.payment_methods == ()


def test_a_removed_method_is_gone(world):
    method = world.add()

    world.remove(method.id)

    assert world.stored.payment_methods == ()
    with pytest.raises(PaymentMethodNotFound):
        world.remove(method.id)


def test_another_brands_method_is_nobodys(world):
    method = world.add()
    other = acme()
    world.profiles.add(other)

    with pytest.raises(PaymentMethodNotFound):
        world.remove(method.id, by=owner_of(other.id))

    assert world.stored.payment_methods == (method,)


def test_there_are_only_so_many():
    methods = tuple(a_visa(reference=f"pm_{n:04}") for n in range(MOST_PAYMENT_METHODS))
    profile = acme(billing_info=BillingInfo(payment_methods=methods))

    with pytest.raises(TooManyPaymentMethods):
        profile.add_payment_method(a_visa(reference="pm_one_more"))


def test_changing_the_address_leaves_the_methods_alone(world):
    method = world.add()

    handlers.update_profile(
        world.profiles, CLOCK, world.owner, {"billing_info": {"address": "2 Desert Road"}}
    )

    assert world.stored == BillingInfo(address="2 Desert Road", tax_id="US-1", payment_methods=(method,))


def test_only_whoever_may_write_billing_adds_and_removes(world):
    method = world.add()
    manager = replace(world.owner, scopes=frozenset({"profile:write"}))

    with pytest.raises(Forbidden):
        world.add("pm_card_mastercard", by=manager)
    with pytest.raises(Forbidden):
        world.remove(method.id, by=manager)

    assert world.payments.asked == ["pm_card_visa"]
