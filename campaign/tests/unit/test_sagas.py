"""The long flows: what they do, what they take back, and that a crash at any step leaks nothing."""

from __future__ import annotations

import pytest

from campaign import handlers
from campaign.domain.errors import ActivationFailed, BudgetIncreasePending, InsufficientFunds
from campaign.tests.fakes import (
    FakeCampaigns,
    FakeParticipations,
    FakePayment,
    FakeSagas,
    PaymentRefusal,
    an_outage,
)
from campaign.tests.mothers import CAMPAIGN_ID, NOW, a_campaign, acme
from chassis.clock import FixedClock
from chassis.ids import new_id
from chassis.money import Money
from chassis.saga_steps import RUNNING

THE_CAMPAIGN = {"campaign_id": CAMPAIGN_ID}
WALLET = 80_000
BUDGET = 50_000


class Platform:
    """A campaign, its money and its sagas."""

    def __init__(self, status: str) -> None:
        self.clock = FixedClock(NOW)
        self.campaigns = FakeCampaigns()
        self.campaigns.add(a_campaign(status), [])
        self.payment = FakePayment(available=WALLET)
        self.participations = FakeParticipations()
        self.sagas = FakeSagas()
        self.sagas.steps = {
            "campaign_activation": lambda: handlers.activation_steps(
                self.campaigns, self.payment, self.clock
            ),
            "campaign_completion": lambda: handlers.completion_steps(
                self.campaigns, self.payment, self.participations, self.clock
            ),
            "campaign_budget_increase": lambda: handlers.budget_increase_steps(
                self.campaigns, self.payment, self.participations, self.clock
            ),
        }

    def activate(self):
        return handlers.activate(self.campaigns, self.sagas, self.clock, acme(), THE_CAMPAIGN)

    def complete(self):
        return handlers.complete(self.campaigns, self.sagas, self.clock, acme(), THE_CAMPAIGN)

    def ask_for_budget(self, minor: int):
        command = {**THE_CAMPAIGN, "budget": Money(minor, "USD")}
        return handlers.update(self.campaigns, self.sagas, self.clock, new_id, acme(), command)

    def resume_sagas(self) -> None:
        for run in list(self.sagas.runs.values()):
            self.sagas.advance(run)

    @property
    def campaign(self):
        return self.campaigns.get(CAMPAIGN_ID)

    @property
    def event_types(self) -> list[str]:
        return [event.type for event in self.campaigns.events]


@pytest.fixture
def approved() -> Platform:
    return Platform("approved")


@pytest.fixture
def running() -> Platform:
    platform = Platform("approved")
    platform.activate()
    return platform


def test_activation_reserves_the_budget(approved):
    campaign = approved.activate()

    assert campaign.status == "active"
    assert approved.payment.escrow == {CAMPAIGN_ID: BUDGET}
    assert approved.event_types == ["campaign_activated"]


def test_without_the_money_the_campaign_stays_approved_and_says_why(approved):
    approved.payment.available = 100

    with pytest.raises(InsufficientFunds):
        approved.activate()

    assert approved.campaign.status == "approved"
    assert approved.campaign.activation_error == (
        "The wallet does not cover the budget: 1.00 USD are available"
    )
    assert approved.event_types == []


def test_after_a_deposit_the_activation_is_started_anew(approved):
    approved.payment.available = 100
    with pytest.raises(InsufficientFunds):
        approved.activate()
    approved.payment.available = BUDGET

    campaign = approved.activate()

    assert (campaign.status, campaign.activation_error) == ("active", None)


def test_an_outage_of_payment_leaves_the_activation_running(approved):
    approved.payment.fails = [an_outage()]

    campaign = approved.activate()
    approved.resume_sagas()

    assert campaign.status == "approved"
    assert approved.campaign.status == "active"


def test_an_activation_that_is_asked_for_twice_at_once_collides_in_the_store(approved):
    version = approved.campaign.version
    approved.payment.fails = [an_outage()]

    approved.activate()

    assert approved.campaign.version > version


@pytest.mark.parametrize("step", ["begin", "reserve_budget", "activate"])
def test_a_crash_at_any_step_of_the_activation_reserves_once(approved, step: str):
    approved.sagas.crash_after = step

    approved.activate()
    approved.resume_sagas()

    assert approved.campaign.status == "active"
    assert approved.payment.escrow == {CAMPAIGN_ID: BUDGET}
    assert approved.payment.available == WALLET - BUDGET
    assert approved.event_types == ["campaign_activated"]


def test_a_campaign_cancelled_during_its_activation_gets_its_budget_back(approved):
    approved.sagas.crash_after = "reserve_budget"
    approved.activate()
    handlers.cancel(approved.campaigns, approved.sagas, approved.clock, acme(), THE_CAMPAIGN)

    approved.resume_sagas()

    assert approved.campaign.status == "cancelled"
    assert approved.payment.escrow == {CAMPAIGN_ID: 0}
    assert approved.payment.available == WALLET


def test_an_activation_refused_for_another_reason_is_named_so(approved):
    approved.payment.fails = [_wallet_is_frozen()]

    with pytest.raises(ActivationFailed) as refused:
        approved.activate()

    assert refused.value.extra["cause"] == "payment.wallet_frozen"
    assert approved.campaign.activation_error == "ask the support"


def _wallet_is_frozen() -> PaymentRefusal:
    error = PaymentRefusal("ask the support")
    error.code = "payment.wallet_frozen"
    return error


def test_completion_returns_what_was_not_earned(running):
    running.participations.earned_minor = 12_345

    running.complete()
    running.resume_sagas()

    assert running.payment.escrow == {CAMPAIGN_ID: 12_345}
    assert running.payment.available == WALLET - 12_345
    assert running.campaign.returned == Money(BUDGET - 12_345, "USD")
    assert running.event_types[-2:] == ["campaign_completed", "campaign_budget_returned"]


@pytest.mark.parametrize("step", ["settle_participations", "return_unspent", "note_returned"])
def test_a_crash_at_any_step_of_the_completion_returns_once(running, step: str):
    running.sagas.crash_after = step
    running.complete()

    running.resume_sagas()
    running.resume_sagas()

    assert running.payment.available == WALLET
    assert running.event_types.count("campaign_budget_returned") == 1


@pytest.mark.parametrize("refusal", [an_outage(), PaymentRefusal("not now")])
def test_a_completion_insists_whatever_it_is_told(running, refusal):
    running.participations.fails = [refusal]
    running.complete()

    running.resume_sagas()
    running.resume_sagas()

    assert running.payment.available == WALLET


def test_a_campaign_is_completed_once(running):
    running.complete()
    running.resume_sagas()

    assert len(running.sagas.of_type("campaign_completion")) == 1


def test_more_budget_is_reserved_before_it_is_raised(running):
    campaign = running.ask_for_budget(60_000)

    assert campaign.brief.budget == Money(60_000, "USD")
    assert running.payment.escrow == {CAMPAIGN_ID: 60_000}
    assert running.event_types[-1] == "campaign_updated"


def test_a_budget_that_the_wallet_does_not_cover_stays_as_it_is(running):
    with pytest.raises(InsufficientFunds):
        running.ask_for_budget(BUDGET + WALLET)

    assert running.campaign.brief.budget == Money(BUDGET, "USD")
    assert running.campaign.pending_budget is None
    assert running.payment.escrow == {CAMPAIGN_ID: BUDGET}


def test_asking_for_the_same_budget_moves_no_money(running):
    running.ask_for_budget(BUDGET)

    assert running.payment.escrow == {CAMPAIGN_ID: BUDGET}
    assert running.sagas.of_type("campaign_budget_increase") == []


def test_a_second_increase_waits_for_the_first(running):
    running.payment.fails = [an_outage()]
    running.ask_for_budget(60_000)

    with pytest.raises(BudgetIncreasePending):
        running.ask_for_budget(70_000)


def test_an_increase_that_meets_the_end_of_another_is_not_swallowed_by_it(running):
    """The first has raised the budget, and its saga dies before it can say that it has finished."""
    running.ask_for_budget(60_000)
    (first,) = running.sagas.of_type("campaign_budget_increase")
    first.status = RUNNING

    with pytest.raises(BudgetIncreasePending):
        running.ask_for_budget(70_000)

    assert running.campaign.pending_budget is None
    running.resume_sagas()
    assert running.ask_for_budget(70_000).brief.budget == Money(70_000, "USD")


@pytest.mark.parametrize("step", ["announce", "reserve_budget", "raise_budget"])
def test_a_crash_at_any_step_of_an_increase_reserves_once(running, step: str):
    running.sagas.crash_after = step
    running.ask_for_budget(60_000)

    running.resume_sagas()

    assert running.campaign.brief.budget == Money(60_000, "USD")
    assert running.payment.escrow == {CAMPAIGN_ID: 60_000}


def test_an_increase_that_comes_after_the_end_is_returned(running):
    running.participations.earned_minor = 1_000
    running.sagas.crash_after = "reserve_budget"
    running.ask_for_budget(60_000)
    running.complete()

    running.resume_sagas()
    running.resume_sagas()

    assert running.payment.escrow == {CAMPAIGN_ID: 1_000}
    assert running.payment.available == WALLET - 1_000
    assert running.campaign.brief.budget == Money(BUDGET, "USD")


@pytest.mark.parametrize("saga", ["campaign_activation", "campaign_budget_increase"])
def test_taking_back_leaves_the_escrow_of_a_running_campaign_alone(running, saga: str):
    reserve_budget = running.sagas.steps[saga]()[1]
    (run,) = running.sagas.of_type("campaign_activation")

    reserve_budget.undo(run)

    assert running.payment.escrow == {CAMPAIGN_ID: BUDGET}
    assert running.participations.settled == []
