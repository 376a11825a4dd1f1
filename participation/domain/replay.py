"""A participation as it follows from its events alone, and what of the stored one does not.

The audit trail is never changed, so that a stored figure that differs from it has been tampered with or lost.
Who holds a participation back, and since when the ledger has paid, are not its own events to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from participation import events
from participation.domain.earnings import Counts, Terms, earned_minor
from participation.domain.participation import Participation, Status

Told = Mapping[str, Any]
"""An event as the audit trail keeps it: its type and its data."""

REACHED: Mapping[str, Status] = {
    events.ParticipationApplied.type: Status.APPLIED,
    events.ParticipationApproved.type: Status.APPROVED,
    events.ParticipationRejected.type: Status.REJECTED,
    events.ParticipationActivated.type: Status.ACTIVE,
    events.ParticipationPaused.type: Status.PAUSED,
    events.ParticipationResumed.type: Status.ACTIVE,
    events.ParticipationLeft.type: Status.LEFT,
    events.ParticipationRemoved.type: Status.REMOVED,
    events.ParticipationCompleted.type: Status.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """`told_minor` is the total as the last event has it, `earned_minor` as it follows from the terms."""

    status: Status | None = None
    terms: Terms | None = None
    counts: Counts = field(default_factory=Counts)
    batches: int = 0
    accrual: int = 0
    told_minor: int = 0

    @property
    def earned_minor(self) -> int:
        """Without terms, which events of old did not tell, the last event has to be believed."""
        return self.told_minor if self.terms is None else earned_minor(self.terms.compensation, self.counts)

    def after(self, event: Told) -> Replayed:
        kind, data = event["type"], event["data"]
        if kind in REACHED:
            return replace(self, status=REACHED[kind], terms=self._terms_after(kind, data))
        if kind == events.DeliveriesAccepted.type:
            return replace(self, batches=self.batches + 1, counts=self.counts + counts_of(data["deliveries"]))
        if kind == events.EarningsAccrued.type:
            return replace(self, accrual=data["accrual"], told_minor=data["earned_total_minor"])
        return self

    def _terms_after(self, kind: str, data: Mapping[str, Any]) -> Terms | None:
        if kind != events.ParticipationApproved.type:
            return self.terms
        told = events.ParticipationApproved.from_data(dict(data)).terms
        return None if told is None else Terms.heard(told)


def counts_of(deliveries: Iterable[Mapping[str, Any]]) -> Counts:
    counts = Counts()
    for delivery in deliveries:
        qualified = delivery["qualified"]
        counts += Counts(1, int(qualified), delivery["viewers"] if qualified else 0)
    return counts


def replay(history: Iterable[Told]) -> Replayed:
    """From the first event to the last."""
    replayed = Replayed()
    for event in history:
        replayed = replayed.after(event)
    return replayed


def differences(stored: Participation, replayed: Replayed) -> dict[str, tuple[Any, Any]]:
    """By figure: as it is stored, and as it follows from the events."""
    found: dict[str, tuple[Any, Any]] = {
        "status": (stored.status, replayed.status),
        "rendered": (stored.counts.rendered, replayed.counts.rendered),
        "qualified": (stored.counts.qualified, replayed.counts.qualified),
        "viewer_impressions": (stored.counts.viewer_impressions, replayed.counts.viewer_impressions),
        "batches": (stored.batches, replayed.batches),
        "accrual": (stored.accrual, replayed.accrual),
        "gross_minor": (stored.earned_minor, replayed.earned_minor),
        "told_minor": (stored.earned_minor, replayed.told_minor),
    }
    if replayed.terms is not None:
        found["compensation"] = (stored.terms and stored.terms.compensation, replayed.terms.compensation)
    return {figure: pair for figure, pair in found.items() if pair[0] != pair[1]}
