"""The streamer's overlay: its link, its manifest, its test picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.ids import NewId
from chassis.principal import Caller
from participation.domain.manifest import Issued, Manifest, Plan, Turn, in_rotation, slots_of
from participation.domain.overlay import Overlay, Session, Slot, fingerprint
from participation.domain.participation import Participation, Status, epoch_ms
from participation.handlers.ports import Assets, Campaigns, NewSecret, Store, Vault


def link(store: Store, vault: Vault, clock: Clock, new_id: NewId, new_secret: NewSecret, by: Caller) -> str:
    """The token of the streamer's link, made when it is first asked for."""
    by.must_be("streamer")
    overlay = _overlay_of(store, vault, clock, new_id, new_secret, by)
    return vault.decrypt(overlay.sealed_token)


def replace_link(
    store: Store, vault: Vault, clock: Clock, new_id: NewId, new_secret: NewSecret, by: Caller
) -> str:
    """A new token; the old one, its pages and its sessions are dead from this moment."""
    by.must_be("streamer")
    _overlay_of(store, vault, clock, new_id, new_secret, by)
    token, channel = new_secret(), new_id("ovl")

    def work() -> None:
        overlay = store.overlays.find(by.id)
        assert overlay is not None, "it was made above, and overlays are never taken away"
        store.overlays.retire(overlay.token_hash, by.id)
        store.sessions.end_all(by.id)
        events = overlay.replace_link(fingerprint(token), vault.encrypt(token), channel)
        store.overlays.save(overlay, events)

    store.atomically(work)
    return token


def show_test(
    store: Store, vault: Vault, clock: Clock, new_id: NewId, new_secret: NewSecret, by: Caller
) -> None:
    by.must_be("streamer")
    _overlay_of(store, vault, clock, new_id, new_secret, by)

    def work() -> None:
        overlay = store.overlays.find(by.id)
        assert overlay is not None, "it was made above, and overlays are never taken away"
        store.overlays.save(overlay, overlay.show_test())

    store.atomically(work)


def channel(store: Store, token: str) -> str:
    return store.overlays.by_token_hash(fingerprint(token)).channel


def manifest(
    store: Store,
    campaigns: Campaigns,
    assets: Assets,
    vault: Vault,
    clock: Clock,
    new_id: NewId,
    new_secret: NewSecret,
    session_lasts: timedelta,
    token: str,
) -> Manifest:
    """What may be shown now, and a new session to prove it in; the session before is superseded.

    An approved participation becomes active here, when its campaign is running.
    """
    overlay = store.overlays.by_token_hash(fingerprint(token))
    running = _running(store, campaigns, overlay.streamer_id, clock.now())
    slots = _slots(assets, running)
    key = new_secret()
    sealed_key, session_id = vault.encrypt(key), new_id("ses")

    def work() -> Manifest:
        store.overlays.lock(overlay)
        now = clock.now()
        shown = _activate(store, [participation for participation, _ in running], now)
        own = _numbered([slot for slot in slots if slot.participation_id in shown])
        session = Session.open(session_id, overlay.streamer_id, sealed_key, own, epoch_ms(now), session_lasts)
        _succeed(store, session)
        return Manifest(Issued(session_id, key, session.expires_at), _turns(own), own)

    return store.atomically(work)


def _overlay_of(
    store: Store, vault: Vault, clock: Clock, new_id: NewId, new_secret: NewSecret, by: Caller
) -> Overlay:
    overlay = store.overlays.find(by.id)
    if overlay is not None:
        return overlay
    token = new_secret()
    return store.overlays.add(
        Overlay(
            streamer_id=by.id,
            channel=new_id("ovl"),
            token_hash=fingerprint(token),
            sealed_token=vault.encrypt(token),
            created_at=clock.now(),
        )
    )


def _running(
    store: Store, campaigns: Campaigns, streamer_id: str, now: datetime
) -> list[tuple[Participation, Plan]]:
    playable = store.participations.playable_of(streamer_id)
    plans = campaigns.delivery_plans([participation.campaign_id for participation in playable])
    planned = [(participation, plans.get(participation.campaign_id)) for participation in playable]
    return [(participation, plan) for participation, plan in planned if plan and plan.is_running(now)]


def _slots(assets: Assets, running: Sequence[tuple[Participation, Plan]]) -> list[Slot]:
    plans = {plan.campaign_id: plan for _, plan in running}
    wanted = {creative.asset_id for plan in plans.values() for creative in plan.creatives}
    described = assets.describe(wanted) if wanted else {}
    return slots_of(in_rotation(participation for participation, _ in running), plans, described)


def _activate(store: Store, running: Sequence[Participation], now: datetime) -> set[str]:
    """The ids of those that are active now; somebody may have left since they were read."""
    shown = set()
    for participation in store.participations.these([participation.id for participation in running]):
        if participation.status is Status.APPROVED and not participation.holds:
            store.participations.save(participation, participation.activate(now))
        if participation.status is Status.ACTIVE:
            shown.add(participation.id)
    return shown


def _numbered(slots: Sequence[Slot]) -> list[Slot]:
    return [slot.renumbered(number) for number, slot in enumerate(slots)]


def _succeed(store: Store, session: Session) -> None:
    store.sessions.supersede_current(session.streamer_id, session.issued_ms)
    store.sessions.add(session)


def _turns(slots: Sequence[Slot]) -> list[Turn]:
    frequencies = {slot.participation_id: slot.frequency for slot in slots}
    return [Turn(participation_id, frequency) for participation_id, frequency in frequencies.items()]
