"""Taking in what an overlay says it has shown, and showing what was accepted."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.clock import Clock
from chassis.errors import Error, ValidationFailed
from chassis.event import Event
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller
from participation.domain.audience import BRIDGE_MS, Sample, audience_at, nearest, nobody
from participation.domain.chain import Refusal
from participation.domain.deliveries import MAX_SEQ, Bucket, Delivery, Entry, Showing, read
from participation.domain.earnings import FORMULA, is_qualified
from participation.domain.errors import AudienceUnknown, RevokedToken
from participation.domain.overlay import Overlay, Session, fingerprint
from participation.domain.participation import Participation, epoch_ms
from participation.domain.timeline import Timeline, segments_of
from participation.domain.verification import Accepted, ClockRule, Inspection, Refused, Verdict
from participation.handlers import applications
from participation.handlers.ports import Audience, Store, Vault


@dataclass(frozen=True, slots=True)
class Posted:
    """How many of a batch were accepted now, and why the others were not."""

    accepted: int
    refused: list[Refused] = field(default_factory=list)


Outcome = Posted | Error
"""What became of one batch of a group."""


@dataclass(frozen=True, slots=True)
class Post:
    """A batch as it came in, with its overlay, and the audience at that moment if anybody could say."""

    overlay: Overlay
    session_id: str
    batch: list[Entry]
    sample: Sample | None


def receive(store: Store, audience: Audience, token: str, session_id: str, deliveries: Sequence[Any]) -> Post:
    overlay = store.overlays.lately_by_token_hash(fingerprint(token))
    batch = [read(raw) for raw in deliveries]
    return Post(overlay, session_id, batch, audience.sample(overlay.streamer_id))


def post(store: Store, vault: Vault, clock: Clock, rule: ClockRule, posts: Sequence[Post]) -> list[Outcome]:
    """Verify batches of different streamers, count them and what they earn, all in one transaction.

    Each gets its own outcome, in the order given. AudienceUnknown, with nothing changed, is that of a
    batch with an accepted showing that cannot be said to have been seen by anybody: our outage costs
    the streamer nothing, the overlay sends it again.
    """
    return store.atomically(lambda: _take_in(store, vault, rule, posts, clock.now()))


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
    store: Store, vault: Vault, rule: ClockRule, posts: Sequence[Post], now: datetime
) -> list[Outcome]:
    locked = store.overlays.lock_all([post.overlay for post in posts])
    inspections = _inspections(store, vault, rule, [p for p in posts if p.overlay.streamer_id in locked], now)
    verdicts = {
        post.overlay.streamer_id: inspections[post.overlay.streamer_id].inspect(post.batch)
        for post in posts
        if post.overlay.streamer_id in inspections
    }
    samples = _samples(store, verdicts)
    changes, outcomes = Changes(), list[Outcome]()
    for post in posts:
        streamer_id = post.overlay.streamer_id
        if streamer_id not in locked:
            outcomes.append(RevokedToken())
        elif streamer_id not in inspections:
            outcomes.append(Posted(0, [Refused(entry.id, Refusal.EXPIRED_SESSION) for entry in post.batch]))
        else:
            inspection, verdict = inspections[streamer_id], verdicts[streamer_id]
            outcomes.append(_credit(changes, inspection, verdict, post, samples.get(streamer_id, []), now))
    changes.save(store)
    return outcomes


def _inspections(
    store: Store, vault: Vault, rule: ClockRule, posts: Sequence[Post], now: datetime
) -> dict[str, Inspection]:
    """By streamer; without those whose session is not known."""
    pairs = {(post.session_id, post.overlay.streamer_id): post for post in posts}
    sessions = store.sessions.find_all(pairs)
    showings = {
        session.streamer_id: [entry for entry in pairs[pair].batch if isinstance(entry, Showing)]
        for pair, session in sessions.items()
    }
    wanted = {
        showing.participation_id for session in sessions.values() for showing in showings[session.streamer_id]
    }
    allowed = {key for session in sessions.values() for key in session.participation_ids}
    standings = {one.id: one for one in store.participations.these(wanted & allowed)}
    timelines = store.timelines.load_all(
        {
            streamer_id: segments_of((showing.started_ms, showing.ended_ms) for showing in own)
            for streamer_id, own in showings.items()
        }
    )
    seen = store.deliveries.seen(
        {streamer_id: {showing.key for showing in own} for streamer_id, own in showings.items()}
    )
    return {
        session.streamer_id: Inspection(
            session=session,
            key=_key(vault, session),
            timeline=timelines[session.streamer_id],
            standings={key: standings[key] for key in session.participation_ids if key in standings},
            seen=seen[session.streamer_id],
            clock=rule,
            now_ms=epoch_ms(now),
        )
        for session in sessions.values()
    }


def _key(vault: Vault, session: Session) -> bytes:
    key = vault.decrypt(session.sealed_key)
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


@dataclass(slots=True)
class Changes:
    """What a group of batches changes, so that each kind of it is written at once."""

    chains: list[Session] = field(default_factory=list)
    timelines: dict[str, Timeline] = field(default_factory=dict)
    samples: list[tuple[str, Sample]] = field(default_factory=list)
    buckets: list[tuple[str, Bucket]] = field(default_factory=list)
    credited: list[tuple[Participation, list[Event]]] = field(default_factory=list)

    def save(self, store: Store) -> None:
        store.sessions.save_chains(self.chains)
        store.timelines.save_all(self.timelines)
        store.samples.add_all(self.samples)
        store.deliveries.add_all(self.buckets)
        store.participations.save_all(self.credited)


def _credit(
    changes: Changes,
    inspection: Inspection,
    verdict: Verdict,
    post: Post,
    stored: Sequence[Sample],
    now: datetime,
) -> Outcome:
    session = inspection.session
    try:
        by_participation = _deliveries(inspection, verdict, post.sample, stored)
    except AudienceUnknown as error:
        return error
    changes.chains.append(session)
    if verdict.accepted:
        changes.timelines[session.streamer_id] = inspection.timeline
        if post.sample is not None and post.sample not in stored:
            changes.samples.append((session.streamer_id, post.sample))
    for participation_id, deliveries in by_participation.items():
        participation = inspection.standings[participation_id]
        events = participation.credit(deliveries)
        bucket = Bucket(participation.id, participation.batches, session.id, now, deliveries)
        changes.buckets.append((session.streamer_id, bucket))
        changes.credited.append((participation, events))
    return Posted(len(verdict.accepted), verdict.refused)


def _deliveries(
    inspection: Inspection, verdict: Verdict, sample: Sample | None, stored: Sequence[Sample]
) -> dict[str, list[Delivery]]:
    """The accepted showings by participation, each with the audience nearest to it."""
    known = {*stored, sample} if sample is not None else {*stored}
    samples = sorted(known, key=lambda each: each.sampled_ms)
    by_participation: dict[str, list[Delivery]] = {}
    for accepted in verdict.accepted:
        audience = _audience(inspection.clock, samples, accepted.showing.ended_ms, sample is not None)
        delivery = _delivery(accepted, audience)
        by_participation.setdefault(accepted.showing.participation_id, []).append(delivery)
    return by_participation


def _samples(store: Store, verdicts: Mapping[str, Verdict]) -> dict[str, list[Sample]]:
    """What was sampled around the accepted showings, by streamer."""
    spans = {}
    for streamer_id, verdict in verdicts.items():
        ends = [accepted.showing.ended_ms for accepted in verdict.accepted]
        if ends:
            spans[streamer_id] = (min(ends) - BRIDGE_MS, max(ends) + BRIDGE_MS)
    return store.samples.between(spans)


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
