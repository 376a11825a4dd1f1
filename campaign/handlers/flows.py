"""How use cases start the long flows, and tell the outcome to who waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaign.domain.campaign import Campaign
from campaign.domain.errors import ActivationFailed, InsufficientFunds
from campaign.handlers.ports import Campaigns, Sagas
from chassis.errors import Error
from chassis.event import Event
from chassis.money import Money
from chassis.saga_steps import COMPENSATED, COMPENSATING, SagaState

ACTIVATION, COMPLETION, BUDGET_INCREASE = (
    "campaign_activation",
    "campaign_completion",
    "campaign_budget_increase",
)

# An answer within the usual deadline of 5 s: what the saga has not done by then, it does later.
SAGA_WAIT_SECONDS = 4.0


def reservation(brand_id: str, amount: Money) -> dict[str, Any]:
    return {"brand_id": brand_id, "amount": amount.to_dict()}


def outcome(campaigns: Campaigns, sagas: Sagas, saga_id: str, campaign_id: str) -> Campaign:
    """The campaign after its saga, or as it is when the saga needs longer."""
    state = sagas.wait(saga_id, timeout=SAGA_WAIT_SECONDS)
    if state.status in (COMPENSATING, COMPENSATED):
        raise _refusal(state)
    return campaigns.get(campaign_id)


def _refusal(state: SagaState) -> Error:
    code = (state.error or {}).get("code", "")
    if code == "payment.insufficient_funds":
        return InsufficientFunds(reason(state))
    return ActivationFailed(reason(state), cause=code)


def reason(run: SagaState) -> str:
    error = run.error or {}
    if error.get("code") == "payment.insufficient_funds":
        return f"{InsufficientFunds.title}: {error.get('detail') or 'deposit first'}"
    return str(error.get("detail") or error.get("code") or ActivationFailed.title)


def end_if_due(sagas: Sagas, campaign: Campaign, now: datetime) -> list[Event]:
    """End a run whose time or budget is over; what happened."""
    why = campaign.ending_reason(now)
    return and_settle(sagas, campaign, campaign.complete(why, now)) if why else []


def and_settle(sagas: Sagas, campaign: Campaign, events: list[Event]) -> list[Event]:
    """Start what follows the end of a run, in the transaction that ends it."""
    sagas.start(COMPLETION, campaign.id, {"brand_id": campaign.brand_id})
    return events
