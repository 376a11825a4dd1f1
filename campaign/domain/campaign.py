"""The campaign: its states, who may do what in which of them, and its money as far as it knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaign import events
from campaign.domain.brief import FIELDS, Brief, to_milliseconds
from campaign.domain.errors import (
    AssetNotReady,
    BudgetBelowAllocated,
    BudgetChanged,
    BudgetIncreasePending,
    BudgetNotReserved,
    NotEditable,
    RunIsOver,
    RunShortened,
    WrongState,
)
from chassis.errors import ValidationFailed
from chassis.event import Event
from chassis.ids import NewId
from chassis.money import Money

DRAFT, PENDING_REVIEW, APPROVED = "draft", "pending_review", "approved"
ACTIVE, PAUSED, COMPLETED, CANCELLED = "active", "paused", "completed", "cancelled"
STATES = (DRAFT, PENDING_REVIEW, APPROVED, ACTIVE, PAUSED, COMPLETED, CANCELLED)
RUNNING = frozenset({ACTIVE, PAUSED})

TRANSITIONS: Mapping[tuple[str, str], str] = {
    (DRAFT, "submit"): PENDING_REVIEW,
    (PENDING_REVIEW, "approve"): APPROVED,
    (PENDING_REVIEW, "reject"): DRAFT,
    (APPROVED, "activate"): ACTIVE,
    (ACTIVE, "pause"): PAUSED,
    (PAUSED, "resume"): ACTIVE,
    (ACTIVE, "complete"): COMPLETED,
    (PAUSED, "complete"): COMPLETED,
    (PENDING_REVIEW, "cancel"): CANCELLED,
    (APPROVED, "cancel"): CANCELLED,
    (ACTIVE, "cancel"): CANCELLED,
    (PAUSED, "cancel"): CANCELLED,
}
COMMANDS = tuple(dict.fromkeys(command for _, command in TRANSITIONS))

# Creatives stay as reviewed outside a draft: a changed one would have to be reviewed again.
_OF_A_RUN = frozenset({"budget", "end_at", "pacing", "frequency"})
EDITABLE: Mapping[str, frozenset[str]] = {
    DRAFT: frozenset(FIELDS),
    PENDING_REVIEW: frozenset(),
    APPROVED: _OF_A_RUN,
    ACTIVE: _OF_A_RUN,
    PAUSED: _OF_A_RUN | {"targeting", "requirements"},
    COMPLETED: frozenset(),
    CANCELLED: frozenset(),
}

BY_BRAND, BUDGET_SPENT, ENDED = "brand", "budget_spent", "ended"

ASSET_READY = "ready"

# The brand is warned when no more than 10 % of the budget is left.
LOW_BUDGET_BASIS_POINTS = 1_000


@dataclass(frozen=True, slots=True)
class Asset:
    """What the asset service says of a creative's asset."""

    asset_id: str
    owner_id: str
    status: str


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One campaign. `version` grows by one with each save.

    `spent` and `participants` are sums over the participations, kept up by `record_progress`.
    `activation_id` is the saga that activated it, `pending_budget` an increase not yet reserved.
    """

    id: str
    brand_id: str
    brief: Brief
    created_at: datetime
    updated_at: datetime
    status: str = DRAFT
    version: int = 0
    rejection_reason: str | None = None
    activation_error: str | None = None
    activation_id: str | None = None
    pending_budget: Money | None = None
    spent_minor: int = 0
    participants: int = 0
    low_budget_warned: bool = False
    returned: Money | None = None
    submitted_at: datetime | None = None

    @property
    def currency(self) -> str:
        return self.brief.budget.currency

    @property
    def spent(self) -> Money:
        return Money(self.spent_minor, self.currency)

    @property
    def left(self) -> Money:
        """What of the budget is not earned yet; never negative, since the ledger refuses more."""
        return max(self.brief.budget - self.spent, Money.zero(self.currency))

    @property
    def places_left(self) -> int:
        return max(0, self.brief.max_participants - self.participants)

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def is_funded(self) -> bool:
        """Its budget is reserved and still pays for at least one delivery."""
        return self.is_running and not self.is_budget_spent

    @property
    def is_public(self) -> bool:
        """Streamers may see it: it has been offered to them once."""
        return self.activation_id is not None

    @property
    def is_budget_spent(self) -> bool:
        """What is left cannot pay one more delivery.

        The ledger refuses only when it has paid out everything, so its payments say it all; a refusal
        may come after the budget has grown, and says nothing about what there is now.
        """
        return self.left.amount_minor < self.brief.compensation.smallest_earning_minor()

    @property
    def is_budget_low(self) -> bool:
        return self.left <= self.brief.budget.share(LOW_BUDGET_BASIS_POINTS)

    def has_ended(self, now: datetime) -> bool:
        return self.brief.end_at <= now

    # Editing

    def update(self, changes: Mapping[str, Any], at: datetime) -> list[Event]:
        """Change fields of the brief; nothing that really changes means no event."""
        brief = self.brief.changed_by(changes)
        changed = self.brief.differences(brief)
        if not changed:
            return []
        self.check_editable(changed)
        if self.status != DRAFT:
            self.check_budget_is_not_cut(brief)
            self.check_run_is_not_shortened(brief)
            self.check_budget_needs_no_reservation(changed)
        brief.check(at)
        self.brief = brief
        self._touch(at)
        return [events.CampaignUpdated(**self._named(), changed=changed)]

    def check_editable(self, changed: list[str]) -> None:
        refused = sorted(set(changed) - EDITABLE[self.status])
        if refused:
            raise NotEditable(
                f"{', '.join(refused)} cannot be changed while the campaign is {self.status}",
                fields=refused,
                campaign_status=self.status,
            )

    def check_budget_is_not_cut(self, brief: Brief) -> None:
        if brief.budget.currency != self.brief.budget.currency or brief.budget < self.brief.budget:
            raise BudgetBelowAllocated(f"the budget of {self.brief.budget} can only be raised")

    def check_run_is_not_shortened(self, brief: Brief) -> None:
        if brief.end_at < self.brief.end_at:
            raise RunShortened("end_at can only be moved later")

    def check_budget_needs_no_reservation(self, changed: Sequence[str]) -> None:
        """A running budget grows by `announce_budget` and `raise_budget`, with the ledger between them."""
        if self.is_running and "budget" in changed:
            raise BudgetNotReserved("the campaign has begun to run; ask again")

    def announce_budget(self, budget: Money, at: datetime) -> list[Event]:
        """Remember an increase of a running campaign until the ledger has reserved the difference."""
        self.check_editable(["budget"])
        brief = self.brief.changed_by({"budget": budget})
        self.check_budget_is_not_cut(brief)
        if self.pending_budget is not None:
            raise BudgetIncreasePending(f"the increase to {self.pending_budget} is not settled yet")
        self.pending_budget = budget
        self._touch(at)
        return []

    def raise_budget(self, budget: Money, at: datetime) -> list[Event]:
        """The difference is reserved. Raising to what it already is does nothing."""
        if self.pending_budget is None and self.brief.budget == budget:
            return []
        if not self.is_running:
            raise WrongState(f"a {self.status} campaign spends no more", campaign_status=self.status)
        self.brief = self.brief.changed_by({"budget": budget})
        self.pending_budget = None
        self.low_budget_warned = self.low_budget_warned and self.is_budget_low
        self._touch(at)
        return [events.CampaignUpdated(**self._named(), changed=["budget"])]

    def forget_announced_budget(self, at: datetime) -> list[Event]:
        self.pending_budget = None
        self._touch(at)
        return []

    def delete(self) -> list[Event]:
        """Only a draft may go; everything later is kept for the audit."""
        if self.status != DRAFT:
            raise self._wrong_state("delete")
        return [events.CampaignDeleted(**self._named())]

    # Review

    def submit(self, at: datetime) -> list[Event]:
        self._check_allowed("submit")
        self.check_has_creatives()
        self.brief.check(at)
        self._move("submit", at)
        self.rejection_reason = None
        self.submitted_at = self.updated_at
        return [events.CampaignSubmitted(**self._named())]

    def check_has_creatives(self) -> None:
        if not self.brief.creatives:
            raise ValidationFailed(
                "A campaign without creatives shows nothing", {"creatives": ["At least one is needed."]}
            )

    def check_assets_are_ready(self, assets: Sequence[Asset]) -> None:
        """Every creative shows an asset of this brand that has been processed."""
        ready = {a.asset_id for a in assets if a.owner_id == self.brand_id and a.status == ASSET_READY}
        refused = {
            str(index): {"asset_id": ["Not a ready asset of yours."]}
            for index, creative in enumerate(self.brief.creatives)
            if creative.asset_id not in ready
        }
        if refused:
            raise AssetNotReady("", {"creatives": refused})

    def approve(self, at: datetime) -> list[Event]:
        self._move("approve", at)
        return [events.CampaignApproved(**self._named())]

    def reject(self, reason: str, at: datetime) -> list[Event]:
        self._move("reject", at)
        self.rejection_reason = reason
        return [events.CampaignRejected(**self._named(), reason=reason)]

    # Running

    def begin_activation(self, at: datetime) -> list[Event]:
        """The brand wants to run. Being saved, it lets no second activation begin beside this one."""
        self._check_can_activate(at)
        self.activation_error = None
        self._touch(at)
        return []

    def _check_can_activate(self, at: datetime) -> None:
        self._check_allowed("activate")
        self._check_run_is_ahead(at)

    def activate(self, activation_id: str, reserved: Money, at: datetime) -> list[Event]:
        """Begin the run. The same activation arriving again changes nothing."""
        if self.activation_id == activation_id:
            return []
        self._check_can_activate(at)
        if reserved != self.brief.budget:
            raise BudgetChanged(f"{reserved} are reserved, the budget is {self.brief.budget}")
        self._move("activate", at)
        self.activation_id = activation_id
        self.activation_error = None
        return [self._activated()]

    def _activated(self) -> Event:
        brief = self.brief
        return events.CampaignActivated(
            **self._named(),
            budget=brief.budget,
            category=brief.category,
            start_at=brief.start_at,
            end_at=brief.end_at,
        )

    def note_activation_failure(self, error: str, at: datetime) -> list[Event]:
        self.activation_error = error
        self._touch(at)
        return []

    def pause(self, at: datetime) -> list[Event]:
        self._move("pause", at)
        return [events.CampaignPaused(**self._named())]

    def resume(self, at: datetime) -> list[Event]:
        self._check_allowed("resume")
        self._check_run_is_ahead(at)
        self._move("resume", at)
        return [events.CampaignResumed(**self._named())]

    def complete(self, reason: str, at: datetime) -> list[Event]:
        self._move("complete", at)
        return [events.CampaignCompleted(**self._named(), reason=reason)]

    def cancel(self, at: datetime) -> list[Event]:
        self._move("cancel", at)
        return [events.CampaignCancelled(**self._named())]

    def note_returned(self, returned: Money, at: datetime) -> list[Event]:
        """What was not earned is back in the wallet, once."""
        if self.returned is not None:
            return []
        self.returned = returned
        self._touch(at)
        return [events.CampaignBudgetReturned(**self._named(), returned=returned)]

    # Progress

    def record_progress(self, spent_minor: int, participants: int, at: datetime) -> list[Event]:
        """Add what changed among the participations; warn once when little of the budget is left."""
        self.spent_minor += spent_minor
        self.participants += participants
        self._touch(at)
        return self._low_budget_warning()

    def _low_budget_warning(self) -> list[Event]:
        if not self.is_funded or not self.is_budget_low or self.low_budget_warned:
            return []
        self.low_budget_warned = True
        return [events.CampaignBudgetLow(**self._named(), left=self.left)]

    def ending_reason(self, now: datetime) -> str | None:
        """Why the run has to end by itself now, or None."""
        if not self.is_running:
            return None
        if self.is_budget_spent and self.pending_budget is None:
            return BUDGET_SPENT
        return ENDED if self.has_ended(now) else None

    # The state machine

    def _check_allowed(self, command: str) -> None:
        if (self.status, command) not in TRANSITIONS:
            raise self._wrong_state(command)

    def _wrong_state(self, command: str) -> WrongState:
        return WrongState(
            f"{command} is not possible while the campaign is {self.status}", campaign_status=self.status
        )

    def _check_run_is_ahead(self, at: datetime) -> None:
        if self.has_ended(at):
            raise RunIsOver("end_at has passed; move it later first")

    def _move(self, command: str, at: datetime) -> None:
        self._check_allowed(command)
        self.status = TRANSITIONS[self.status, command]
        self._touch(at)

    def _touch(self, at: datetime) -> None:
        self.updated_at = to_milliseconds(at)

    def _named(self) -> dict[str, str]:
        return {"campaign_id": self.id, "brand_id": self.brand_id, "name": self.brief.name}


def new_campaign(campaign_id: str, brand_id: str, brief: Brief, at: datetime) -> tuple[Campaign, list[Event]]:
    """A draft, and the event that says so."""
    brief.check(at)
    at = to_milliseconds(at)
    campaign = Campaign(id=campaign_id, brand_id=brand_id, brief=brief, created_at=at, updated_at=at)
    return campaign, [events.CampaignCreated(**campaign._named(), budget=brief.budget)]


def clone(campaign: Campaign, at: datetime, new_id: NewId) -> tuple[Campaign, list[Event]]:
    """A new draft with the same brief, whatever has become of the original."""
    return new_campaign(new_id("cmp"), campaign.brand_id, campaign.brief.copied(at, new_id), at)
