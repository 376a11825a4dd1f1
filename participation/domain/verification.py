"""Which showings of a batch are accepted, and for each of the others the reason why not.

The chain settles the order: whatever way a batch was shuffled, doubled or delayed, the same showings
are accepted. A showing that has proved itself and is refused all the same has used up its number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from participation.domain.chain import Refusal
from participation.domain.deliveries import Entry, Showing
from participation.domain.overlay import Session, Slot
from participation.domain.participation import Participation, Status
from participation.domain.timeline import Timeline

MAX_AGE_MS = 24 * 3_600_000

MEASURING_ERROR_MS = 50
"""Two clocks of one browser, each rounded: by so much may the visible time exceed the showing's."""


@dataclass(frozen=True, slots=True)
class ClockRule:
    """How far an overlay's clock may be off. Load tests, which make up their time, switch the rule off."""

    tolerance_ms: int
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Accepted:
    showing: Showing
    slot: Slot


@dataclass(frozen=True, slots=True)
class Refused:
    id: str
    reason: Refusal


@dataclass(slots=True)
class Verdict:
    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class Inspection:
    """What one batch is checked against; accepted showings take their place in it.

    `standings` are the session's participations by id; `seen` are those of the batch's ids that were
    accepted before, in whatever session.
    """

    session: Session
    key: bytes
    timeline: Timeline
    standings: Mapping[str, Participation]
    seen: Collection[str]
    clock: ClockRule
    now_ms: int
    slots: dict[tuple[str, str], Slot] = field(init=False)

    def __post_init__(self) -> None:
        self.slots = {(slot.participation_id, slot.creative_id): slot for slot in self.session.slots}

    def inspect(self, batch: Sequence[Entry]) -> Verdict:
        verdict, seen = Verdict(), set(self.seen)
        refusals: dict[int, Refusal] = {}
        for position in _in_order_of_seq(batch):
            entry = batch[position]
            refusal = self._admit(entry, seen)
            if refusal is not None:
                refusals[position] = refusal
            elif isinstance(entry, Showing):
                seen.add(entry.key)
                verdict.accepted.append(self._accept(entry))
        verdict.refused = [Refused(batch[position].id, refusals[position]) for position in sorted(refusals)]
        return verdict

    def _admit(self, entry: Entry, seen: Collection[str]) -> Refusal | None:
        refusal = self.session.chain.admit(self.key, entry)
        if refusal is not None or not isinstance(entry, Showing):
            return refusal
        if entry.key in seen:
            return Refusal.REPLAYED
        return next((reason for reason, applies in RULES if applies(self, entry)), None)

    def _accept(self, showing: Showing) -> Accepted:
        self.timeline.take(showing.started_ms, showing.ended_ms)
        self.standings[showing.participation_id].cadence.note(showing.started_ms)
        return Accepted(showing, self._slot_of(showing))

    def _slot_of(self, showing: Showing) -> Slot:
        return self.slots[showing.participation_id, showing.creative_id]

    def is_participation_unknown(self, showing: Showing) -> bool:
        return showing.participation_id not in self.standings

    def is_creative_unknown(self, showing: Showing) -> bool:
        return (showing.participation_id, showing.creative_id) not in self.slots

    def is_in_the_future(self, showing: Showing) -> bool:
        return showing.ended_ms > self.now_ms + self.clock.tolerance_ms

    def is_too_old(self, showing: Showing) -> bool:
        return showing.started_ms < self.now_ms - MAX_AGE_MS

    def is_after_expiry(self, showing: Showing) -> bool:
        return showing.started_ms >= self.session.expires_ms

    def is_after_succession(self, showing: Showing) -> bool:
        """What began before another manifest was fetched is still owed to the streamer."""
        superseded_ms = self.session.superseded_ms
        return superseded_ms is not None and showing.started_ms >= superseded_ms

    def is_outside_activity(self, showing: Showing) -> bool:
        """What began while the participation was active counts, also when it arrives afterwards."""
        standing = self.standings[showing.participation_id]
        if not self.clock.is_on:
            return standing.status is not Status.ACTIVE
        moments = (showing.started_ms, showing.started_ms + self.clock.tolerance_ms)
        return standing.is_settled or not any(standing.was_active_at(moment) for moment in moments)

    def is_faster_than_clock(self, showing: Showing) -> bool:
        """More time claimed than has passed: before the session began, or longer than the showing took.

        Showings never overlap and none lies in the future, so this bounds their sum by the real time.
        """
        if not self.clock.is_on:
            return False
        return (
            showing.started_ms < self.session.issued_ms - self.clock.tolerance_ms
            or showing.visible_ms > showing.ended_ms - showing.started_ms + MEASURING_ERROR_MS
        )

    def is_overlapping(self, showing: Showing) -> bool:
        return self.timeline.overlaps(showing.started_ms, showing.ended_ms)

    def is_too_frequent(self, showing: Showing) -> bool:
        cadence, frequency = (
            self.standings[showing.participation_id].cadence,
            self._slot_of(showing).frequency,
        )
        return self.timeline.is_full(showing.started_ms) or cadence.is_too_frequent(
            frequency, showing.started_ms
        )


RULES: tuple[tuple[Refusal, Callable[[Inspection, Showing], bool]], ...] = (
    (Refusal.UNKNOWN_PARTICIPATION, Inspection.is_participation_unknown),
    (Refusal.UNKNOWN_CREATIVE, Inspection.is_creative_unknown),
    (Refusal.IN_THE_FUTURE, Inspection.is_in_the_future),
    (Refusal.TOO_OLD, Inspection.is_too_old),
    (Refusal.EXPIRED_SESSION, Inspection.is_after_expiry),
    (Refusal.SUPERSEDED_SESSION, Inspection.is_after_succession),
    (Refusal.NOT_ACTIVE, Inspection.is_outside_activity),
    (Refusal.FASTER_THAN_CLOCK, Inspection.is_faster_than_clock),
    (Refusal.OVERLAPPING, Inspection.is_overlapping),
    (Refusal.TOO_FREQUENT, Inspection.is_too_frequent),
)
"""In this order: the first rule that applies names the reason."""


def _in_order_of_seq(batch: Sequence[Entry]) -> Iterable[int]:
    """Positions by seq. What has none comes first, since it can neither follow nor be followed."""
    return sorted(range(len(batch)), key=lambda position: (batch[position].seq or 0, position))
