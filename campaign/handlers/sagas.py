"""The long flows of a campaign's money. Each step may run twice.

No step that takes back touches the escrow of a campaign that runs: others earn from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaign.handlers.flows import reason
from campaign.handlers.moves import change
from campaign.handlers.ports import Campaigns, Participations, Payment
from chassis.clock import Clock
from chassis.errors import Error, ServiceUnavailable
from chassis.money import Money
from chassis.saga_steps import SagaState, Step


def activation_steps(campaigns: Campaigns, payment: Payment, clock: Clock) -> list[Step]:
    """Reserve the budget, then activate. Without the money the campaign stays approved and says why."""

    def note_failure(run: SagaState) -> None:
        why = reason(run)
        change(campaigns, run.key, lambda own: own.note_activation_failure(why, clock.now()))

    def release_budget(run: SagaState) -> None:
        if not campaigns.get(run.key).is_running:
            payment.release(run.key, run.data["brand_id"], earned=None, key=f"{run.id}:release_budget")

    def activate_campaign(run: SagaState) -> None:
        reserved = Money.from_dict(run.data["amount"])
        change(campaigns, run.key, lambda own: own.activate(run.id, reserved, clock.now()))

    return [
        Step("begin", _nothing, undo=note_failure),
        Step("reserve_budget", _reserve_with(payment), undo=release_budget),
        Step("activate", activate_campaign),
    ]


def budget_increase_steps(
    campaigns: Campaigns, payment: Payment, participations: Participations, clock: Clock
) -> list[Step]:
    """Reserve the difference, then raise the budget.

    Raising fails only when the campaign has ended meanwhile. Its completion may have returned what was
    left before the difference came, so the difference is returned as a completion does it.
    """

    def forget(run: SagaState) -> None:
        change(campaigns, run.key, lambda own: own.forget_announced_budget(clock.now()))

    def return_difference(run: SagaState) -> None:
        campaign = campaigns.get(run.key)
        if not campaign.is_running:
            earned = participations.settle(run.key, campaign.currency)
            payment.release(run.key, run.data["brand_id"], earned, key=f"{run.id}:release_budget")

    def raise_budget(run: SagaState) -> None:
        budget = Money.from_dict(run.data["budget"])
        change(campaigns, run.key, lambda own: own.raise_budget(budget, clock.now()))

    return [
        Step("announce", _nothing, undo=forget),
        Step("reserve_budget", _reserve_with(payment), undo=return_difference),
        Step("raise_budget", raise_budget),
    ]


def completion_steps(
    campaigns: Campaigns, payment: Payment, participations: Participations, clock: Clock
) -> list[Step]:
    """Close the participations, return what they did not earn, and say so.

    The campaign itself was closed in the transaction that started the saga. There is no way back from
    here, so no step has an undo and a refusal is tried again like an outage.
    """

    def settle_participations(run: SagaState) -> dict[str, Any]:
        currency = campaigns.get(run.key).currency
        return {"earned": participations.settle(run.key, currency).to_dict()}

    def return_unspent(run: SagaState) -> dict[str, Any]:
        earned = Money.from_dict(run.data["earned"])
        returned = payment.release(run.key, run.data["brand_id"], earned, key=f"{run.id}:return_unspent")
        return {"returned": returned.to_dict()}

    def note_returned(run: SagaState) -> None:
        returned = Money.from_dict(run.data["returned"])
        change(campaigns, run.key, lambda own: own.note_returned(returned, clock.now()))

    return [
        Step("settle_participations", _insisting(settle_participations)),
        Step("return_unspent", _insisting(return_unspent)),
        Step("note_returned", _insisting(note_returned)),
    ]


def _nothing(run: SagaState) -> None:
    """The step stands for what its undo takes back."""


def _reserve_with(payment: Payment) -> Callable[[SagaState], None]:
    def reserve_budget(run: SagaState) -> None:
        amount = Money.from_dict(run.data["amount"])
        payment.reserve(run.key, run.data["brand_id"], amount, key=f"{run.id}:reserve_budget")

    return reserve_budget


def _insisting(
    do: Callable[[SagaState], dict[str, Any] | None],
) -> Callable[[SagaState], dict[str, Any] | None]:
    def insist(run: SagaState) -> dict[str, Any] | None:
        try:
            return do(run)
        except Error as error:
            if error.is_final:
                raise ServiceUnavailable(f"refused, tried again later: {error}") from error
            raise

    return insist
