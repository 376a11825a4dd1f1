"""The participation of one streamer in one campaign: its state machine, its terms and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from chassis.event import Event
from chassis.money import Money
from participation import events
from participation.domain.deliveries import Delivery
from participation.domain.earnings import Counts, Terms, earned_minor
from participation.domain.errors import WrongState
from participation.domain.frequency import Cadence


class Status(StrEnum):
    APPLIED = "applied"
    APPROVED = "approved"
    REJECTED = "rejected"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    LEFT = "left"
    REMOVED = "removed"


class Party(StrEnum):
    """Who can hold a participation back. Only the one who holds it can let it go on."""

    STREAMER = "streamer"
    BRAND = "brand"
    CAMPAIGN = "campaign"


class Command(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ACTIVATE = "activate"
    PAUSE = "pause"
    RESUME = "resume"
    LEAVE = "leave"
    REMOVE = "remove"
    COMPLETE = "complete"


TRANSITIONS: dict[tuple[Status, Command], Status] = {
    (Status.APPLIED, Command.APPROVE): Status.APPROVED,
    (Status.APPLIED, Command.REJECT): Status.REJECTED,
    (Status.APPROVED, Command.ACTIVATE): Status.ACTIVE,
    (Status.APPROVED, Command.LEAVE): Status.LEFT,
    (Status.APPROVED, Command.REMOVE): Status.REMOVED,
    (Status.APPROVED, Command.COMPLETE): Status.COMPLETED,
    (Status.ACTIVE, Command.PAUSE): Status.PAUSED,
    (Status.ACTIVE, Command.LEAVE): Status.LEFT,
    (Status.ACTIVE, Command.REMOVE): Status.REMOVED,
    (Status.ACTIVE, Command.COMPLETE): Status.COMPLETED,
    (Status.PAUSED, Command.PAUSE): Status.PAUSED,
    (Status.PAUSED, Command.RESUME): Status.ACTIVE,
    (Status.PAUSED, Command.LEAVE): Status.LEFT,
    (Status.PAUSED, Command.REMOVE): Status.REMOVED,
    (Status.PAUSED, Command.COMPLETE): Status.COMPLETED,
}
"""Every edge there is. A paused participation goes on only when nobody holds it any more."""

OPEN = (Status.APPROVED, Status.ACTIVE, Status.PAUSED)
"""The states in which the streamer takes part."""

PLACED = (*OPEN, Status.COMPLETED)
"""The states in which one of the campaign's places is taken."""

KEPT_PERIODS = 50
"""More changes of state within the 24 h in which showings are accepted would be a machine's doing."""

CLOSING_REASON = "The campaign is over."

E = TypeVar("E", bound=events.ParticipationEvent)


@dataclass(slots=True)
class Period:
    """A time in which the participation was active; `until_ms` is None while it is."""

    from_ms: int
    until_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms <= self.until_ms)


@dataclass(frozen=True, slots=True)
class Posted:
    """What the ledger has booked so far, cumulative, in minor units. `refused` found no money left."""

    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0
    refused_minor: int = 0

    def at_least(self, other: Posted) -> Posted:
        """The later of two cumulative reports, whichever came first: totals never fall.

        What was refused does, when the budget grows. What was asked for, paid or not, does not.
        """
        gross_minor = max(self.gross_minor, other.gross_minor)
        return Posted(
            gross_minor,
            max(self.fee_minor, other.fee_minor),
            max(self.net_minor, other.net_minor),
            max(self.accrued_minor, other.accrued_minor) - gross_minor,
        )

    @property
    def accrued_minor(self) -> int:
        return self.gross_minor + self.refused_minor


@dataclass(slots=True)
class Participation:
    """One per campaign and streamer. `version` is what the store compares and swaps on."""

    id: str
    campaign_id: str
    campaign_name: str
    brand_id: str
    streamer_id: str
    currency: str
    applied_at: datetime
    category: str | None = None
    status: Status = Status.APPLIED
    terms: Terms | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    holds: set[Party] = field(default_factory=set)
    heard_campaign_at: datetime | None = None
    periods: list[Period] = field(default_factory=list)
    cadence: Cadence = field(default_factory=Cadence)
    counts: Counts = field(default_factory=Counts)
    earned_minor: int = 0
    accrual: int = 0
    batches: int = 0
    posted: Posted = field(default_factory=Posted)
    is_settled: bool = False
    version: int = 0

    @property
    def earned(self) -> Money:
        """Gross of the platform's fee."""
        return Money(self.earned_minor, self.currency)

    @property
    def funded(self) -> Money:
        """What of it the ledger has booked out of the campaign's budget."""
        return Money(self.posted.gross_minor, self.currency)

    def apply(self) -> list[Event]:
        return [self._about(events.ParticipationApplied)]

    def approve(self, terms: Terms) -> list[Event]:
        """Freeze the terms; whatever the campaign changes later, this participation keeps them."""
        self._move(Command.APPROVE)
        self.terms, self.decided_at = terms, terms.frozen_at
        return [self._about(events.ParticipationApproved, terms=terms.told())]

    def reject(self, reason: str, at: datetime) -> list[Event]:
        self._move(Command.REJECT)
        self.reason, self.decided_at = reason, at
        return [self._about(events.ParticipationRejected, reason)]

    def activate(self, at: datetime) -> list[Event]:
        self._check_nobody_holds_it()
        self._move(Command.ACTIVATE)
        self._begin_period(at)
        return [self._about(events.ParticipationActivated)]

    def pause(self, by: Party, at: datetime) -> list[Event]:
        was_active = self.status is Status.ACTIVE
        self._check_does_not_hold_it_already(by)
        self._move(Command.PAUSE)
        self.holds.add(by)
        self._end_period(at)
        return [self._about(events.ParticipationPaused, by.value)] if was_active else []

    def resume(self, by: Party, at: datetime) -> list[Event]:
        """Lift the caller's hold; the participation goes on unless somebody else holds it too."""
        self._check_holds_it(by)
        if self.holds == {by}:
            self._move(Command.RESUME)
            self._begin_period(at)
        self.holds.discard(by)
        return [] if self.holds else [self._about(events.ParticipationResumed)]

    def leave(self, at: datetime) -> list[Event]:
        self._move(Command.LEAVE)
        self._end_period(at)
        return [self._about(events.ParticipationLeft)]

    def remove(self, reason: str, at: datetime) -> list[Event]:
        self._move(Command.REMOVE)
        self.reason = reason
        self._end_period(at)
        return [self._about(events.ParticipationRemoved, reason)]

    def complete(self, at: datetime) -> list[Event]:
        self._move(Command.COMPLETE)
        self._end_period(at)
        return [self._about(events.ParticipationCompleted)]

    def campaign_paused(self, at: datetime) -> list[Event]:
        """The campaign's pause, as an event. One that is older than what was heard since is ignored."""
        if not self._hears_campaign(at) or Party.CAMPAIGN in self.holds:
            return []
        if self.status is Status.APPROVED:
            self.holds.add(Party.CAMPAIGN)
            return []
        return self.pause(Party.CAMPAIGN, at)

    def campaign_resumed(self, at: datetime) -> list[Event]:
        if not self._hears_campaign(at) or Party.CAMPAIGN not in self.holds:
            return []
        if self.status is Status.APPROVED:
            self.holds.discard(Party.CAMPAIGN)
            return []
        return self.resume(Party.CAMPAIGN, at)

    def campaign_ended(self, at: datetime) -> list[Event]:
        """What is open is completed, what was never decided is turned down; the rest stays as it is."""
        if self.status is Status.APPLIED:
            return self.reject(CLOSING_REASON, at)
        return self.complete(at) if self.status in OPEN else []

    def settle(self, at: datetime) -> list[Event]:
        """Close the books: nothing is earned from now on, not even by showings that arrive late."""
        ended = self.campaign_ended(at)
        self.is_settled = True
        return ended

    def credit(self, deliveries: Sequence[Delivery]) -> list[Event]:
        """Count verified showings and what they earn."""
        assert self.terms is not None, "only an approved participation is in a manifest"
        self.batches += 1
        self.counts = self.counts.with_deliveries(deliveries)
        return [self._accepted(deliveries), *self._accrue(earned_minor(self.terms.compensation, self.counts))]

    def ledger_posted(self, posted: Posted) -> None:
        """Remember what the ledger says it has booked; its reports may come in any order."""
        self.posted = self.posted.at_least(posted)

    def was_active_at(self, at_ms: int) -> bool:
        return any(period.holds(at_ms) for period in self.periods)

    def recomputed(self, counts: Counts) -> int:
        """The gross total that the given counts earn under the frozen terms."""
        return earned_minor(self.terms.compensation, counts) if self.terms else 0

    def _accrue(self, total_minor: int) -> list[Event]:
        if total_minor == self.earned_minor:
            return []
        self.earned_minor = total_minor
        self.accrual += 1
        return [
            events.EarningsAccrued(
                **self._parties(),
                currency=self.currency,
                earned_total_minor=self.earned_minor,
                accrual=self.accrual,
            )
        ]

    def _accepted(self, deliveries: Sequence[Delivery]) -> Event:
        return events.DeliveriesAccepted(
            **self._parties(),
            currency=self.currency,
            deliveries=[delivery.to_event() for delivery in deliveries],
        )

    def _parties(self) -> dict[str, Any]:
        return {
            "participation_id": self.id,
            "campaign_id": self.campaign_id,
            "brand_id": self.brand_id,
            "streamer_id": self.streamer_id,
        }

    def _about(self, kind: type[E], reason: str | None = None, **more: Any) -> E:
        return kind(**self._parties(), campaign_name=self.campaign_name, reason=reason, **more)

    def _move(self, command: Command) -> None:
        target = TRANSITIONS.get((self.status, command))
        if target is None:
            raise WrongState(f"cannot {command} what is {self.status}", status=self.status.value)
        self.status = target

    def _check_nobody_holds_it(self) -> None:
        if self.holds:
            raise WrongState("it is held back", held_by=sorted(self.holds))

    def _check_does_not_hold_it_already(self, by: Party) -> None:
        if by in self.holds:
            raise WrongState(f"the {by} has paused it already", status=self.status.value)

    def _check_holds_it(self, by: Party) -> None:
        if self.status is not Status.PAUSED or by not in self.holds:
            raise WrongState(
                f"the {by} has not paused it", status=self.status.value, held_by=sorted(self.holds)
            )

    def _hears_campaign(self, at: datetime) -> bool:
        if self.status not in OPEN or (self.heard_campaign_at and at <= self.heard_campaign_at):
            return False
        self.heard_campaign_at = at
        return True

    def _begin_period(self, at: datetime) -> None:
        self.periods = [*self.periods, Period(epoch_ms(at))][-KEPT_PERIODS:]

    def _end_period(self, at: datetime) -> None:
        if self.periods and self.periods[-1].until_ms is None:
            self.periods[-1].until_ms = epoch_ms(at)


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return int(at.timestamp() * 1_000)
