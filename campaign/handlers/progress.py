"""What other services tell: who joined, and what was earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from campaign.domain.participant import Participant
from campaign.handlers.flows import end_if_due
from campaign.handlers.ports import Campaigns, Sagas
from chassis.clock import Clock
from chassis.event import Event, ReceivedEvent

_SEEN: Mapping[str, Mapping[str, bool]] = {
    "participation_approved": {"was_approved": True},
    "participation_left": {"has_gone": True},
    "participation_removed": {"has_gone": True},
}


def record_participation(campaigns: Campaigns, sagas: Sagas, clock: Clock, event: ReceivedEvent) -> None:
    """Count places; the order of the events does not matter."""
    record_participants(campaigns, sagas, clock, [_participant(event, **_SEEN[event.type])])


def record_earnings(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, received: Iterable[ReceivedEvent]
) -> None:
    """Sum up what is spent from cumulative totals; neither order nor repetition matters."""
    record_participants(
        campaigns,
        sagas,
        clock,
        [_participant(event, earned_minor=event.data["gross_total_minor"]) for event in received],
    )


def _participant(event: ReceivedEvent, **seen: Any) -> Participant:
    return Participant(id=event.data["participation_id"], campaign_id=event.data["campaign_id"], **seen)


def record_participants(
    campaigns: Campaigns, sagas: Sagas, clock: Clock, news: Iterable[Participant]
) -> None:
    """Merge what became known; runs inside the consumer's transaction.

    Campaigns are taken in the order of their ids, so that two consumers cannot wait for each other.
    """
    in_order = sorted(news, key=lambda participant: participant.campaign_id)
    for campaign_id, of_campaign in groupby(in_order, key=lambda participant: participant.campaign_id):
        _record_progress(campaigns, sagas, clock.now(), campaign_id, list(of_campaign))


def _record_progress(
    campaigns: Campaigns, sagas: Sagas, now: datetime, campaign_id: str, news: Sequence[Participant]
) -> None:
    campaign = campaigns.get(campaign_id)
    stored = campaigns.participants({participant.id for participant in news})
    changed: dict[str, Participant] = {}
    events: list[Event] = []
    for participant in news:
        nothing = Participant(id=participant.id, campaign_id=campaign_id)
        known = changed.get(participant.id) or stored.get(participant.id) or nothing
        merged = known.merged(participant)
        if merged == known:
            continue
        changed[participant.id] = merged
        events += campaign.record_progress(
            spent_minor=merged.earned_minor - known.earned_minor,
            participants=merged.holds_a_place - known.holds_a_place,
            at=now,
        )
    if changed:
        campaigns.save_participants(list(changed.values()))
        campaigns.save(campaign, [*events, *end_if_due(sagas, campaign, now)])
