from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.errors import StepUpRequired
from payment.domain.errors import (
    BelowMinimum,
    IdempotencyKeyReused,
    InsufficientFunds,
    NoPayoutMethod,
    PayoutNotFound,
    ProviderNotConfigured,
)
from payment.domain.payout import PayoutStatus
from payment.domain.provider import Destination, Progress, ProviderObject, Subject
from payment.domain.webhook import WebhookStatus
from payment.events import PayoutFailed, PayoutPaid, PayoutRequested
from payment.handlers.payouts import get_payout, payout_steps
from payment.tests.mothers import IBAN, MORNING, nova_the_streamer, usd


@pytest.fixture
def funded(office):
    office.fund_nova(8_000)
    return office


def holds(office, kind: str) -> int:
    return office.balance("str_nova", f"streamer_{kind}")


def test_a_request_sets_the_money_aside_and_starts_the_saga(funded):
    payout = funded.request_payout(5_000)

    assert payout.status == PayoutStatus.REQUESTED
    assert (holds(funded, "available"), holds(funded, "paying_out")) == (3_000, 5_000)
    assert funded.sagas.started == [("payout", payout.id)]
    told = PayoutRequested(payout_id=payout.id, streamer_id="str_nova", amount=usd(5_000))
    assert funded.payments.events[-1] == told


def test_more_than_is_available_is_refused_and_starts_nothing(funded):
    with pytest.raises(InsufficientFunds):
        funded.request_payout(8_001)

    assert funded.sagas.started == []


NOVA_AN_HOUR_AGO = replace(
    nova_the_streamer(), acr="pwd", auth_time=MORNING - timedelta(hours=1), session_id="ses_1"
)


def test_a_large_payout_needs_an_authentication_of_late(office):
    office.fund_nova(80_000)

    with pytest.raises(StepUpRequired) as refusal:
        office.request_payout(50_001, by=NOVA_AN_HOUR_AGO)

    assert refusal.value.extra == {"acr_values": "pwd", "max_age": 600}
    assert holds(office, "paying_out") == 0
    office.request_payout(50_001, by=replace(NOVA_AN_HOUR_AGO, auth_time=office.clock.now()))
    assert holds(office, "paying_out") == 50_001


def test_a_payout_up_to_the_limit_needs_none(office):
    office.fund_nova(80_000)

    office.request_payout(50_000, by=NOVA_AN_HOUR_AGO)


def test_a_large_payout_that_was_requested_is_answered_again_however_late(office):
    office.fund_nova(80_000)
    lately = replace(NOVA_AN_HOUR_AGO, auth_time=office.clock.now())
    requested = office.request_payout(50_001, by=lately, key="once")

    again = office.request_payout(50_001, by=NOVA_AN_HOUR_AGO, key="once")

    assert again.id == requested.id


def test_held_earnings_cannot_be_paid_out(office):
    office.deposit(10_000)
    office.reserve(10_000)
    office.accrue(10_000)

    with pytest.raises(InsufficientFunds):
        office.request_payout(5_000)


@pytest.mark.parametrize(("minor", "refused"), [(999, True), (1_000, False)])
def test_a_payout_is_at_least_ten(funded, minor, refused):
    if refused:
        with pytest.raises(BelowMinimum):
            funded.request_payout(minor)
    else:
        assert funded.request_payout(minor).amount == usd(1_000)


def test_without_a_verified_payout_method_nothing_is_paid_out(funded):
    funded.streamers.destination = None

    with pytest.raises(NoPayoutMethod):
        funded.request_payout(5_000)


def test_the_same_key_and_amount_are_one_payout_with_one_answer(funded):
    first = funded.request_payout(4_000, key="k")
    funded.run_saga(first)

    second = funded.request_payout(4_000, key="k")

    assert second == first
    assert holds(funded, "available") == 4_000


def test_the_same_key_with_another_amount_is_refused(funded):
    funded.request_payout(4_000, key="k")

    with pytest.raises(IdempotencyKeyReused):
        funded.request_payout(4_001, key="k")


def test_the_destination_is_not_stored_in_the_clear_and_shown_masked(funded):
    payout = funded.request_payout(5_000)

    assert payout.destination.startswith("sealed:")
    assert payout.destination_hint == "bank ****3000"


def test_the_money_leaves_when_the_provider_says_that_it_paid(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)

    funded.tell_of_payout(payout, Progress.SUCCEEDED)

    paid = funded.payout(payout.id)
    assert (paid.status, holds(funded, "paying_out")) == (PayoutStatus.PAID, 0)
    assert isinstance(funded.payments.events[-1], PayoutPaid)
    assert funded.run_saga(payout).status == "done"


def test_a_paid_payout_has_a_statement(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)

    funded.tell_of_payout(payout, Progress.SUCCEEDED)

    statement = funded.payments.documents.get(funded.payout(payout.id).statement_id)
    assert (statement.number, statement.total) == ("PST-000001", usd(5_000))


def test_while_the_provider_is_at_it_the_saga_neither_ends_nor_turns_round(funded):
    payout = funded.request_payout(5_000)

    state = funded.run_saga(payout)

    assert state.status == "running"
    assert funded.payout(payout.id).status == PayoutStatus.PROCESSING


def test_a_payout_may_be_on_its_way_for_days(funded):
    """While an order that nobody answers is something for an operator within hours."""
    steps = payout_steps(funded.payments, funded.providers, None, funded.clock, None)

    patience = {step.name: timedelta(seconds=step.patience_seconds) for step in steps}

    assert patience["order"] <= timedelta(hours=4)
    assert patience["settle"] >= timedelta(days=5)


def test_a_payout_whose_webhook_never_came_is_settled_by_asking(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)
    funded.provider.finish(f"po_{payout.id}", Progress.SUCCEEDED)

    state = funded.run_saga(payout)

    assert state.status == "done"
    assert funded.payout(payout.id).status == PayoutStatus.PAID


def test_a_failed_payout_makes_the_money_available_again(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)

    funded.tell_of_payout(payout, Progress.FAILED, failure="account closed")

    assert (holds(funded, "available"), holds(funded, "paying_out")) == (8_000, 0)
    assert funded.payout(payout.id).failure == "account closed"
    assert isinstance(funded.payments.events[-1], PayoutFailed)


def test_the_saga_of_a_failed_payout_gives_the_money_back_once(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)
    funded.tell_of_payout(payout, Progress.FAILED)

    state = funded.run_saga(payout)

    assert state.status == "compensated"
    assert holds(funded, "available") == 8_000


def test_a_payout_that_the_provider_refuses_makes_the_money_available_again(funded):
    payout = funded.request_payout(5_000)
    funded.provider.refuses_once("destination not supported")

    state = funded.run_saga(payout)

    assert state.status == "compensated"
    assert holds(funded, "available") == 8_000
    assert funded.payout(payout.id).failure == "destination not supported"


@pytest.mark.parametrize("it_counted", [True, False])
def test_a_time_out_at_the_provider_is_not_taken_for_an_answer(funded, it_counted):
    payout = funded.request_payout(5_000)
    funded.provider.times_out_once(after_it_counts=it_counted)

    first = funded.run_saga(payout)
    funded.run_saga(payout)

    assert first.status == "running"
    assert holds(funded, "paying_out") == 5_000
    assert len(funded.provider.objects) == 2  # The deposit that funded Nova, and one payout.


def test_a_webhook_that_comes_before_the_order_was_noted_counts(funded):
    payout = funded.request_payout(5_000)

    funded.tell_of_payout(payout, Progress.SUCCEEDED)

    assert funded.payout(payout.id).status == PayoutStatus.PAID
    assert funded.run_saga(payout).status == "done"


def test_a_webhook_that_comes_twice_pays_once(funded):
    payout = funded.request_payout(5_000)
    funded.tell_of_payout(payout, Progress.SUCCEEDED, event="evt_1")

    funded.tell_of_payout(payout, Progress.SUCCEEDED, event="evt_2")

    assert holds(funded, "paying_out") == 0
    assert len([d for d in funded.payments.tables.documents.values() if d.kind == "payout_statement"]) == 1


@pytest.mark.parametrize(
    "order", [(Progress.SUCCEEDED, Progress.FAILED), (Progress.FAILED, Progress.SUCCEEDED)]
)
def test_a_contradiction_of_the_provider_is_kept_and_moves_nothing(funded, order):
    payout = funded.request_payout(5_000)
    funded.tell_of_payout(payout, order[0])
    before = dict(funded.payments.tables.balances)

    funded.tell_of_payout(payout, order[1], event="evt_2")

    assert funded.payments.tables.balances == before
    assert funded.payments.tables.webhooks["sandbox", "evt_2"].status == WebhookStatus.CONFLICT


def test_a_provider_that_names_another_amount_does_not_turn_the_saga_round(funded):
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)
    funded.provider.finish(f"po_{payout.id}", Progress.SUCCEEDED)
    funded.payments.tables.payouts[payout.id].amount = usd(5_001)

    state = funded.run_saga(payout)

    assert state.status == "running"
    assert holds(funded, "paying_out") == 5_000


def test_another_streamers_payout_answers_as_a_missing_one(funded):
    payout = funded.request_payout(5_000)

    with pytest.raises(PayoutNotFound):
        get_payout(funded.payments, nova_the_streamer("str_luna"), payout.id)


@pytest.mark.parametrize(
    ("destination", "payer"),
    [
        (IBAN, "sandbox"),
        (Destination("paypal", "Nova", "nova@example.com"), "paypal"),
        (Destination("stripe", "Nova", "acct_1NovaStreamer"), "stripe"),
    ],
)
def test_the_streamers_method_decides_who_pays(funded, destination, payer):
    funded.streamers.destination = destination
    funded.provider.name = payer

    payout = funded.request_payout(5_000)

    assert payout.provider == payer


def test_a_method_whose_provider_has_no_keys_here_is_refused_before_money_is_set_aside(funded):
    funded.streamers.destination = Destination("paypal", "Nova", "nova@example.com")

    with pytest.raises(ProviderNotConfigured):
        funded.request_payout(5_000)

    assert holds(funded, "available") == 8_000


def test_keys_that_were_taken_away_do_not_turn_a_payout_round(funded):
    """The provider may have paid; the money stays set aside until somebody can ask."""
    payout = funded.request_payout(5_000)
    funded.run_saga(payout)
    funded.provider.name = "another"

    state = funded.run_saga(payout)

    assert (state.status, holds(funded, "paying_out")) == ("running", 5_000)


def test_an_order_that_the_provider_took_is_not_repeated(funded):
    payout = funded.request_payout(5_000)

    for _ in range(3):
        funded.run_saga(payout)

    assert funded.provider.orders.count(payout.id) == 1


def test_an_order_that_is_older_than_the_providers_memory_is_not_repeated(funded):
    payout = funded.request_payout(5_000)
    funded.clock.advance(30 * 24 * 3600)

    state = funded.run_saga(payout)

    assert (state.status, payout.id in funded.provider.orders) == ("running", False)


def test_a_payout_that_went_to_somebody_else_is_kept_as_a_contradiction(funded):
    payout = funded.request_payout(5_000)
    elsewhere = ProviderObject("po_1", payout.id, usd(5_000), Progress.SUCCEEDED, destination="bank ****6666")

    funded.tell(Subject.PAYOUT, elsewhere, "evt_elsewhere")

    assert holds(funded, "paying_out") == 5_000
    assert funded.payments.tables.webhooks["sandbox", "evt_elsewhere"].status == WebhookStatus.CONFLICT
