"""Taking in what an overlay says it has shown, and showing what was accepted."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.clock import Clock
from chassis.errors import ValidationFailed
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller
from participation.domain.audience import BRIDGE_MS, Sample, audience_at, nearest, nobody
from participation.domain.chain import Refusal
from participation.domain.deliveries import MAX_SEQ, Bucket, Delivery, Entry, Showing, read
from participation.domain.earnings import FORMULA, is_qualified
from participation.domain.errors import AudienceUnknown
from participation.domain.overlay import Overlay, Session, fingerprint
from participation.domain.participation import Participation, epoch_ms
from participation.domain.timeline import segments_of
from participation.domain.verification import Accepted, ClockRule, Inspection, Refused, Verdict
from participation.handlers import applications
from participation.handlers.ports import Audience, Store, Vault


@dataclass(frozen=True, slots=True)
class Posted:
    """How many of a batch were accepted now, and why the others were not."""

    accepted: int
    refused: list[Refused] = field(default_factory=list)


def post(
    store: Store,
    audience: Audience,
    vault: Vault,
    clock: Clock,
    rule: ClockRule,
    token: str,
    session_id: str,
    deliveries: Sequence[Any],
) -> Posted:
    """Verify a batch, count it and what it earns, in one transaction.

    Raises AudienceUnknown, with nothing changed, when an accepted showing cannot be said to have been
    seen by anybody: our outage costs the streamer nothing, the overlay sends it again.
    """
    overlay = store.overlays.by_token_hash(fingerprint(token))
    batch = [read(raw) for raw in deliveries]
    sample = audience.sample(overlay.streamer_id)
    return store.atomically(
        lambda: _take_in(store, vault, rule, overlay, session_id, batch, sample, clock.now())
    )


def page(store: Store, by: Caller, participation_id: str, cursor: str | None, limit: int) -> Page[Delivery]:
    """Accepted deliveries, the last accepted first."""
    participation = applications.get(store, by, participation_id)
    before, skip = _position(cursor)
    found: list[tuple[int, int, Delivery]] = []
    for bucket in _buckets(store, participation.id, before):
        for index, delivery in reversed(list(enumerate(bucket.deliveries))):
            if (bucket.number, index) < (before or bucket.number + 1, skip):
                found.append((bucket.number, index, delivery))
        if len(found) > limit:
            break
    cut = page_of(found[: limit + 1], limit, lambda item: [item[0], item[1]])
    return Page([delivery for _, _, delivery in cut.items], cut.next_cursor)


def all_buckets(store: Store, participation_id: str) -> Iterator[Bucket]:
    """Everything that was accepted, newest first."""
    return _buckets(store, participation_id, None)


BUCKETS_AT_ONCE = 20
"""At 200 deliveries each, about a megabyte."""


def _buckets(store: Store, participation_id: str, upto: int | None) -> Iterator[Bucket]:
    before = upto + 1 if upto is not None else None
    while True:
        found = store.deliveries.buckets_before(participation_id, before, BUCKETS_AT_ONCE)
        yield from found
        if len(found) < BUCKETS_AT_ONCE:
            return
        before = found[-1].number


def _position(cursor: str | None) -> tuple[int | None, int]:
    if not cursor:
        return None, 0
    number, index = decode_cursor(cursor, int, int)
    if not 0 < number <= MAX_SEQ:
        raise ValidationFailed("the cursor is beyond any list", {"cursor": ["Not a valid cursor."]})
    return number, index


def _take_in(
    store: Store,
    vault: Vault,
    rule: ClockRule,
    overlay: Overlay,
    session_id: str,
    batch: Sequence[Entry],
    sample: Sample | None,
    now: datetime,
) -> Posted:
    store.overlays.lock(overlay)
    session = store.sessions.find(session_id, overlay.streamer_id)
    if session is None:
        return Posted(0, [Refused(entry.id, Refusal.EXPIRED_SESSION) for entry in batch])
    inspection = _inspection(store, vault, rule, session, batch, now)
    verdict = inspection.inspect(batch)
    store.sessions.save_chain(session)
    if verdict.accepted:
        store.timelines.save(overlay.streamer_id, inspection.timeline)
        _credit(store, inspection, verdict, sample, now)
    return Posted(len(verdict.accepted), verdict.refused)


def _inspection(
    store: Store, vault: Vault, rule: ClockRule, session: Session, batch: Sequence[Entry], now: datetime
) -> Inspection:
    showings = [entry for entry in batch if isinstance(entry, Showing)]
    wanted = {showing.participation_id for showing in showings} & session.participation_ids
    segments = segments_of((showing.started_ms, showing.ended_ms) for showing in showings)
    return Inspection(
        session=session,
        key=_key(vault, session),
        timeline=store.timelines.load(session.streamer_id, segments),
        standings={participation.id: participation for participation in store.participations.these(wanted)},
        seen=store.deliveries.seen(session.streamer_id, {showing.key for showing in showings}),
        clock=rule,
        now_ms=epoch_ms(now),
    )


def _key(vault: Vault, session: Session) -> bytes:
    key = vault.decrypt(session.sealed_key)
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def _credit(
    store: Store, inspection: Inspection, verdict: Verdict, sample: Sample | None, now: datetime
) -> None:
    streamer_id = inspection.session.streamer_id
    samples = _samples(store, streamer_id, verdict.accepted, sample)
    by_participation: dict[str, list[Delivery]] = {}
    for accepted in verdict.accepted:
        audience = _audience(inspection.clock, samples, accepted.showing.ended_ms, sample is not None)
        delivery = _delivery(accepted, audience)
        by_participation.setdefault(accepted.showing.participation_id, []).append(delivery)
    for participation_id, deliveries in by_participation.items():
        _credit_one(store, inspection.standings[participation_id], inspection.session, deliveries, now)


def _credit_one(
    store: Store, participation: Participation, session: Session, deliveries: list[Delivery], now: datetime
) -> None:
    events = participation.credit(deliveries)
    bucket = Bucket(participation.id, participation.batches, session.id, now, deliveries)
    store.deliveries.add(participation.streamer_id, bucket)
    store.participations.save(participation, events)


def _samples(
    store: Store, streamer_id: str, accepted: Sequence[Accepted], sample: Sample | None
) -> list[Sample]:
    """What was sampled around these showings, and the present sample, which is remembered for later ones."""
    earliest = min(one.showing.ended_ms for one in accepted) - BRIDGE_MS
    latest = max(one.showing.ended_ms for one in accepted) + BRIDGE_MS
    stored = store.samples.between(streamer_id, earliest, latest)
    if sample is None or sample in stored:
        return stored
    store.samples.add(streamer_id, sample)
    return sorted([*stored, sample], key=lambda each: each.sampled_ms)


def _audience(rule: ClockRule, samples: Sequence[Sample], at_ms: int, is_answered: bool) -> Sample:
    """Made-up time is watched by whoever watches now. Only who answers can say that nobody looked."""
    audience = audience_at(samples, at_ms) if rule.is_on else nearest(samples, at_ms)
    if audience is None and not is_answered:
        raise AudienceUnknown("the audience cannot be sampled; send the batch again later")
    return audience or nobody(at_ms)


def _delivery(accepted: Accepted, audience: Sample) -> Delivery:
    showing, slot = accepted.showing, accepted.slot
    return Delivery(
        id=showing.id,
        seq=showing.seq,
        creative_id=slot.creative_id,
        placement=slot.placement,
        media=slot.media,
        started_ms=showing.started_ms,
        ended_ms=showing.ended_ms,
        visible_ms=showing.visible_ms,
        qualified=is_qualified(slot.media, showing.visible_ms, audience.live),
        live=audience.live,
        viewers=audience.viewers,
        sampled_ms=audience.sampled_ms,
        platform=audience.platform,
        country=audience.country,
        formula=FORMULA,
    )
