"""What every provider's adapter promises, over HTTP against its stand-in. No broker and no database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chassis.ids import new_id
from chassis.testing import eventually
from payment.domain.errors import PaymentMethodNotFound, ProviderRefused, ProviderUnavailable
from payment.domain.provider import Destination, Progress, ProviderEvent, Subject
from payment.domain.reconciliation import MovementKind
from payment.domain.reversal import ReversalStage, total_taken
from payment.handlers.ports import PaymentProvider
from payment.providers.paypal import PayPalProvider
from payment.providers.sandbox import SandboxProvider
from payment.providers.stripe import StripeProvider
from payment.tests.interface.conftest import (
    API_KEY,
    DESTINATION,
    DETAILS,
    PAYPAL_CLIENT,
    PAYPAL_SECRET,
    PAYPAL_WEBHOOK_ID,
    STAND_INS,
    STRIPE_KEY,
    STRIPE_WEBHOOK_SECRET,
    WEBHOOK_SECRET,
    Door,
    StandIn,
)
from payment.tests.mothers import usd

PAYMENT_NAME = {"sandbox": "payment", "stripe": "payment_intent", "paypal": "capture"}


@dataclass
class Counterpart:
    """A provider as we reach it, what happens there, and what it told us."""

    name: str
    adapter: PaymentProvider
    stand_in: StandIn
    door: Door

    @property
    def nova(self) -> Destination:
        method = self.name if self.name in DETAILS else "bank"
        details = DETAILS.get(method, DESTINATION["account_details"])
        return Destination(method, "Nova", details)

    def pays(self, minor: int) -> Any:
        """An order that was paid, as the provider has it then."""
        ordered = self.adapter.create_payment(new_id("dep"), usd(minor))
        return eventually(lambda: self.settled(ordered.id), deadline=10)

    def settled(self, intent_id: str) -> Any:
        found = self.adapter.find_payment(intent_id)
        return None if found.progress == Progress.PROCESSING else found

    def events(self) -> list[ProviderEvent]:
        now = datetime.now(UTC)
        mine = [each for each in self.door.received if each.provider == self.name]
        return [self.adapter.read_webhook(each.headers, each.body, now) for each in mine]

    def told(self, subject: Subject, reference: str, progress: Progress) -> ProviderEvent:
        def last() -> ProviderEvent | None:
            found = self.words(subject, reference)
            return found[-1] if found and found[-1].object.progress == progress else None

        return eventually(last, deadline=10)

    def name_of(self, paid: Any) -> dict[str, str]:
        """What the stand-in's control calls this payment."""
        return {PAYMENT_NAME[self.name]: paid.payment_id if self.name == "paypal" else paid.id}

    def words(self, subject: Subject, reference: str) -> list[ProviderEvent]:
        about = [event for event in self.events() if event.subject == subject]
        return [event for event in about if getattr(event.object, "reference", "") == reference]

    def moved(self, reference: str) -> list[int]:
        now = datetime.now(UTC)
        found = self.adapter.movements(now - timedelta(minutes=5), now + timedelta(minutes=1))
        return [movement.amount.amount_minor for movement in found if movement.reference == reference]


@pytest.fixture(params=STAND_INS)
def provider(request, stand_ins, door, paypal_ca_file):
    url = stand_ins[request.param]
    adapter = {
        "sandbox": lambda: SandboxProvider.at(url, API_KEY, WEBHOOK_SECRET),
        "stripe": lambda: StripeProvider.at(url, STRIPE_KEY, STRIPE_WEBHOOK_SECRET),
        "paypal": lambda: PayPalProvider.at(
            url,
            PAYPAL_CLIENT,
            PAYPAL_SECRET,
            webhook_id=PAYPAL_WEBHOOK_ID,
            ca_file=paypal_ca_file,
            return_url="http://front.test/wallet",
        ),
    }[request.param]()
    stand_in = request.getfixturevalue(request.param)
    door.received.clear()
    door.takes_all = True
    yield Counterpart(request.param, adapter, stand_in, door)
    door.takes_all = False


def test_a_payment_is_ordered_paid_and_told(provider):
    reference = new_id("dep")

    ordered = provider.adapter.create_payment(reference, usd(500))

    assert (ordered.reference, ordered.amount, ordered.progress) == (
        reference,
        usd(500),
        Progress.PROCESSING,
    )
    eventually(lambda: provider.settled(ordered.id), deadline=10)
    told = provider.told(Subject.PAYMENT, reference, Progress.SUCCEEDED)
    assert (told.object.id, told.object.amount) == (ordered.id, usd(500))
    assert told.objection is None


def test_the_same_order_again_is_the_same_payment(provider):
    reference = new_id("dep")

    first, second = (provider.adapter.create_payment(reference, usd(500)) for _ in range(2))

    assert first.id == second.id


def test_the_reference_of_one_order_makes_no_other(provider):
    reference = new_id("dep")
    provider.adapter.create_payment(reference, usd(500))

    with pytest.raises(ProviderUnavailable):
        provider.adapter.create_payment(reference, usd(501))


@pytest.mark.parametrize("fault", ["fail_next", "lose_next"])
def test_an_order_without_an_answer_is_repeated_and_carried_out_once(provider, fault):
    reference = new_id("pay")
    provider.adapter.create_payment(new_id("dep"), usd(1))
    provider.stand_in.behave(**{fault: 1})
    with pytest.raises(ProviderUnavailable):
        provider.adapter.create_payout(reference, usd(700), provider.nova)

    paid = provider.adapter.create_payout(reference, usd(700), provider.nova)

    again = eventually(lambda: provider.adapter.find_payout(paid.id).progress == Progress.SUCCEEDED)
    assert again
    eventually(lambda: provider.moved(reference) == [-700])
    assert provider.told(Subject.PAYOUT, reference, Progress.SUCCEEDED).object.amount == usd(700)


def test_a_payment_that_fails_is_told_with_its_reason(provider):
    provider.stand_in.behave(fail_payments=True)
    reference = new_id("dep")
    ordered = provider.adapter.create_payment(reference, usd(500))

    def told() -> ProviderEvent:
        provider.adapter.find_payment(ordered.id)
        return provider.words(Subject.PAYMENT, reference)[-1]

    eventually(lambda: told().object.progress == Progress.FAILED, deadline=10, every=0.05)
    assert told().object.failure


def test_a_payout_that_cannot_be_is_refused_or_fails(provider):
    provider.stand_in.behave(fail_payouts=True)

    try:
        ordered = provider.adapter.create_payout(new_id("pay"), usd(700), provider.nova)
        eventually(lambda: provider.adapter.find_payout(ordered.id).progress == Progress.FAILED)
    except ProviderRefused:
        assert provider.name == "stripe"


def test_webhooks_that_are_doubled_and_out_of_order_keep_their_ids(provider):
    provider.stand_in.behave(duplicate=True, reorder=True)
    references = [new_id("dep") for _ in range(2)]
    for reference in references:
        ordered = provider.adapter.create_payment(reference, usd(500))
        eventually(lambda o=ordered: provider.settled(o.id), deadline=10)

    for reference in references:
        ids = eventually(lambda r=reference: successes(provider, r), deadline=10)
        assert len(set(ids)) == 1


def successes(provider: Counterpart, reference: str) -> list[str] | None:
    """The ids of what told that it was paid, once that came twice."""
    words = provider.words(Subject.PAYMENT, reference)
    ids = [event.id for event in words if event.object.progress == Progress.SUCCEEDED]
    return ids if len(ids) > 1 else None


def test_a_refund_is_told_by_a_name_that_the_payment_has(provider):
    paid = provider.pays(900)

    provider.stand_in.happens("refunds", **provider.name_of(paid), amount=300)

    reversal = eventually(lambda: reversals_of(provider, paid)[-1])
    assert (reversal.amount, reversal.stage, bool(reversal.reason)) == (usd(300), ReversalStage.FINAL, True)


@pytest.mark.parametrize(("status", "left"), [("won", 0), ("lost", 900)])
def test_a_dispute_takes_the_money_while_it_is_open_and_keeps_it_when_it_is_lost(provider, status, left):
    paid = provider.pays(900)
    dispute = provider.stand_in.happens("disputes", **provider.name_of(paid))
    eventually(lambda: [each.stage for each in reversals_of(provider, paid)] == [ReversalStage.OPEN])

    provider.stand_in.happens(f"disputes/{dispute['id']}", status=status)

    eventually(lambda: len(reversals_of(provider, paid)) > 1 and taken_of(provider, paid) == usd(left))


def taken_of(provider: Counterpart, paid: Any) -> Any:
    """Of all that was told: PayPal tells a lost dispute by its end and a reversal of the payment."""
    known: dict[str, Any] = {}
    for reversal in reversals_of(provider, paid):
        known[reversal.id] = reversal.after(known.get(reversal.id))
    return total_taken(known.values(), "USD")


def reversals_of(provider: Counterpart, paid: Any) -> list[Any]:
    told = [event.object for event in provider.events() if event.subject == Subject.REVERSAL]
    return [reversal for reversal in told if reversal.payment in (paid.id, paid.payment_id)]


def test_what_moved_is_listed_before_charges_and_with_its_sign(provider):
    began = datetime.now(UTC) - timedelta(seconds=2)
    paid = provider.pays(900)
    provider.stand_in.happens("refunds", **provider.name_of(paid), amount=300)

    found = list(provider.adapter.movements(began, datetime.now(UTC) + timedelta(seconds=2)))

    names = {paid.reference, paid.id, paid.payment_id} - {None}
    mine = [each for each in found if names & {each.reference, each.payment}]
    kinds = {(movement.kind, movement.amount) for movement in mine}
    assert kinds == {(MovementKind.DEPOSIT, usd(900)), (MovementKind.REVERSAL, usd(-300))}


def test_a_stored_method_that_is_unknown_is_not_found(provider):
    with pytest.raises(PaymentMethodNotFound):
        provider.adapter.find_payment_method("pm_nobodys")
