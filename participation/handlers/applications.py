"""Joining a campaign and leaving it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chassis.clock import Clock
from chassis.event import Event, ReceivedEvent
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller
from chassis.times import parse_rfc3339
from participation.domain.errors import ParticipationNotFound
from participation.domain.joining import Joining
from participation.domain.participation import OPEN, Participation, Party, Status
from participation.events import CampaignHeard
from participation.handlers.ports import Campaigns, Store

Transition = Callable[[Participation, datetime], list[Event]]


def apply(
    store: Store, campaigns: Campaigns, clock: Clock, new_id: NewId, by: Caller, campaign_id: str
) -> Participation:
    """Ask to join; a campaign that approves by itself does so in the same moment."""
    by.must_be("streamer")
    joining = _check_open_to(campaigns, campaign_id, by.id)
    participation = _applicant(joining, new_id("prt"), by.id, clock.now())
    events = participation.apply()
    if joining.approves_by_itself:
        events += participation.approve(joining.terms(clock.now()))
    store.places.open(campaign_id)

    def work() -> Participation:
        if joining.approves_by_itself:
            store.places.take(campaign_id, joining.max_participants)
        _add(store, participation, events)
        return participation

    return _in_turn(store, campaign_id, work) if joining.approves_by_itself else store.atomically(work)


def approve(
    store: Store, campaigns: Campaigns, clock: Clock, by: Caller, participation_id: str
) -> Participation:
    """Take the streamer in, on the terms of this moment."""
    by.must_be("brand")
    applied = _of_brand(store, by, participation_id)
    joining = _check_open_to(campaigns, applied.campaign_id, applied.streamer_id)
    terms = joining.terms(clock.now())
    store.places.open(applied.campaign_id)

    def work() -> Participation:
        participation = _change(store, clock, participation_id, lambda one, _: one.approve(terms))
        store.places.take(participation.campaign_id, joining.max_participants)
        return participation

    return _in_turn(store, applied.campaign_id, work)


def reject(store: Store, clock: Clock, by: Caller, participation_id: str, reason: str) -> Participation:
    by.must_be("brand")
    _of_brand(store, by, participation_id)
    return _change(store, clock, participation_id, lambda participation, at: participation.reject(reason, at))


def remove(store: Store, clock: Clock, by: Caller, participation_id: str, reason: str) -> Participation:
    by.must_be("brand")
    _of_brand(store, by, participation_id)
    return _go(store, clock, participation_id, lambda participation, at: participation.remove(reason, at))


def leave(store: Store, clock: Clock, by: Caller, participation_id: str) -> Participation:
    by.must_be("streamer")
    get(store, by, participation_id)
    return _go(store, clock, participation_id, Participation.leave)


def pause(store: Store, clock: Clock, by: Caller, participation_id: str) -> Participation:
    party = _party(by)
    get(store, by, participation_id)
    return _change(store, clock, participation_id, lambda participation, at: participation.pause(party, at))


def resume(store: Store, clock: Clock, by: Caller, participation_id: str) -> Participation:
    party = _party(by)
    get(store, by, participation_id)
    return _change(store, clock, participation_id, lambda participation, at: participation.resume(party, at))


def get(store: Store, by: Caller, participation_id: str) -> Participation:
    """For its streamer, its brand and admins; for everybody else there is none."""
    by.must_be("streamer", "brand", "admin")
    participation = store.participations.get(participation_id)
    is_theirs = by.owns(participation.streamer_id) or by.owns(participation.brand_id)
    if not (is_theirs or by.is_admin):
        raise ParticipationNotFound()
    return participation


def list_applications(
    store: Store, by: Caller, campaign_id: str, status: str | None, cursor: str | None, limit: int
) -> Page[Participation]:
    """Who takes part in a campaign; nobody, when the campaign is not the caller's.

    All participations of a campaign belong to one brand, so the first of a page speaks for the rest.
    """
    by.must_be("brand")
    wanted = Status(status) if status is not None else None
    found = store.participations.of_campaign(campaign_id, wanted, _after(cursor), limit + 1)
    if found and not by.owns(found[0].brand_id):
        return Page([])
    return page_of(found, limit, _key)


def list_mine(store: Store, by: Caller, cursor: str | None, limit: int) -> Page[Participation]:
    by.must_be("streamer")
    return page_of(store.participations.of_streamer(by.id, _after(cursor), limit + 1), limit, _key)


FOLLOW_AT_ONCE = 10
"""Each of them is written by its overlay's batches every few seconds, and one that collides takes the
others of its transaction with it."""


def heed_campaign(store: Store, event: ReceivedEvent) -> None:
    """Hand what the campaign told on to its participations, a few at a time."""
    campaign_id = event.data["campaign_id"]
    ids = store.participations.unsettled_in(campaign_id)
    store.participations.tell(
        [
            CampaignHeard(
                cause_id=event.id,
                campaign_id=campaign_id,
                campaign_event=event.type,
                happened_at=event.time,
                participation_ids=ids[start : start + FOLLOW_AT_ONCE],
            )
            for start in range(0, len(ids), FOLLOW_AT_ONCE)
        ]
    )


def follow_campaign(store: Store, event: ReceivedEvent) -> None:
    """Hold back, go on, end, or show something else."""
    told, happened_at = event.data["campaign_event"], parse_rfc3339(event.data["happened_at"])
    verb = _CAMPAIGN_VERBS.get(told)
    for participation in store.participations.these(event.data["participation_ids"]):
        if verb is not None:
            _save(store, participation, verb(participation, happened_at))
        elif participation.status in OPEN:
            _tell_overlay(store, participation, told)


_CAMPAIGN_VERBS: dict[str, Transition] = {
    "campaign_paused": Participation.campaign_paused,
    "campaign_resumed": Participation.campaign_resumed,
    "campaign_completed": Participation.campaign_ended,
    "campaign_cancelled": Participation.campaign_ended,
}


def settle_one(store: Store, clock: Clock, participation_id: str) -> None:
    """Close one participation's books; doing it again changes nothing."""
    _change(store, clock, participation_id, Participation.settle)


def _check_open_to(campaigns: Campaigns, campaign_id: str, streamer_id: str) -> Joining:
    joining = campaigns.check_joining(campaign_id, streamer_id)
    joining.check_is_open()
    joining.check_is_eligible()
    return joining


def _applicant(joining: Joining, id: str, streamer_id: str, now: datetime) -> Participation:
    return Participation(
        id=id,
        campaign_id=joining.campaign_id,
        campaign_name=joining.campaign_name,
        brand_id=joining.brand_id,
        streamer_id=streamer_id,
        currency=joining.currency,
        category=joining.category,
        applied_at=now,
    )


def _party(by: Caller) -> Party:
    by.must_be("streamer", "brand")
    return Party(by.kind)


def _of_brand(store: Store, by: Caller, participation_id: str) -> Participation:
    participation = store.participations.get(participation_id)
    if not by.owns(participation.brand_id):
        raise ParticipationNotFound()
    return participation


def _change(store: Store, clock: Clock, participation_id: str, transition: Transition) -> Participation:
    def work() -> Participation:
        participation = store.participations.get(participation_id)
        _save(store, participation, transition(participation, clock.now()))
        return participation

    return store.atomically(work)


def _go(store: Store, clock: Clock, participation_id: str, transition: Transition) -> Participation:
    """Whoever goes makes room for somebody else."""
    campaign_id = store.participations.get(participation_id).campaign_id
    store.places.open(campaign_id)

    def work() -> Participation:
        participation = _change(store, clock, participation_id, transition)
        store.places.give_back(campaign_id)
        return participation

    return _in_turn(store, campaign_id, work)


def _in_turn(store: Store, campaign_id: str, work: Callable[[], Participation]) -> Participation:
    with store.places.turn(campaign_id):
        return store.atomically(work)


def _add(store: Store, participation: Participation, events: list[Event]) -> None:
    store.participations.add(participation, events)
    if participation.status is Status.APPROVED:
        _tell_overlay(store, participation, events[-1].type)


def _save(store: Store, participation: Participation, events: list[Event]) -> None:
    store.participations.save(participation, events)
    if events:
        _tell_overlay(store, participation, events[-1].type)


def _tell_overlay(store: Store, participation: Participation, reason: str) -> None:
    overlay = store.overlays.find(participation.streamer_id)
    if overlay is not None:
        store.overlays.save(overlay, overlay.manifest_changed(reason))


def _after(cursor: str | None) -> str | None:
    return decode_cursor(cursor, str)[0] if cursor else None


def _key(participation: Participation) -> list[str]:
    return [participation.id]
