"""Why the service says no, under stable codes.

NotFound            CampaignNotFound
Conflict            WrongState, NotEditable, RunIsOver, RunShortened, BudgetBelowAllocated,
                    BudgetIncreasePending, BudgetNotReserved, BudgetChanged, InsufficientFunds,
                    ActivationFailed, ConcurrentUpdate
ValidationFailed    AssetNotReady
"""

from __future__ import annotations

from chassis.errors import Conflict, NotFound, ValidationFailed


class CampaignNotFound(NotFound):
    code, title = "campaign.not_found", "Campaign not found"


class WrongState(Conflict):
    code, title = "campaign.wrong_state", "The campaign's state does not allow this"


class NotEditable(Conflict):
    code, title = "campaign.not_editable", "These fields cannot be changed in the campaign's state"


class RunIsOver(Conflict):
    code, title = "campaign.run_is_over", "The campaign's end has passed"


class BudgetBelowAllocated(Conflict):
    code, title = "campaign.budget_below_allocated", "A budget is never cut below what is allocated"


class RunShortened(Conflict):
    code, title = "campaign.run_shortened", "An approved run is never shortened"


class BudgetIncreasePending(Conflict):
    code, title = (
        "campaign.budget_increase_pending",
        "An earlier increase of the budget is still being reserved",
    )


class BudgetNotReserved(Conflict):
    code, title = "campaign.budget_not_reserved", "More budget for a running campaign is reserved first"


class BudgetChanged(Conflict):
    code, title = "campaign.budget_changed", "The budget changed while it was being reserved"


class InsufficientFunds(Conflict):
    code, title = "campaign.insufficient_funds", "The wallet does not cover the budget"


class ActivationFailed(Conflict):
    code, title = "campaign.activation_failed", "The campaign could not be activated"


class ConcurrentUpdate(Conflict):
    code, title = "campaign.concurrent_update", "The campaign was changed by somebody else meanwhile"


class AssetNotReady(ValidationFailed):
    code, title = "campaign.asset_not_ready", "A creative's asset is not ready"
