"""The use cases of campaigns, one function each, by what they are about."""

from campaign.handlers.flows import ACTIVATION, BUDGET_INCREASE, COMPLETION
from campaign.handlers.progress import record_earnings, record_participation
from campaign.handlers.reading import check_joining, delivery_plans, get, history, list_own, marketplace
from campaign.handlers.review import approve, reject, review_queue, submit
from campaign.handlers.running import activate, cancel, complete, pause, resume, run_once
from campaign.handlers.sagas import activation_steps, budget_increase_steps, completion_steps
from campaign.handlers.writing import clone_campaign, create, delete, update

__all__ = [
    "ACTIVATION",
    "BUDGET_INCREASE",
    "COMPLETION",
    "activate",
    "activation_steps",
    "approve",
    "budget_increase_steps",
    "cancel",
    "check_joining",
    "clone_campaign",
    "complete",
    "completion_steps",
    "create",
    "delete",
    "delivery_plans",
    "get",
    "history",
    "list_own",
    "marketplace",
    "pause",
    "record_earnings",
    "record_participation",
    "reject",
    "resume",
    "review_queue",
    "run_once",
    "submit",
    "update",
]
