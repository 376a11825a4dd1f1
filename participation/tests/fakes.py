"""The service's data in memory, and neighbours that say what they are told to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from chassis.event import Event
from participation.domain.audience import Sample
from participation.domain.deliveries import Bucket
from participation.domain.errors import (
    AlreadyApplied,
    CampaignFull,
    ConcurrentUpdate,
    ParticipationNotFound,
    RevokedToken,
    UnknownToken,
)
from participation.domain.joining import Joining
from participation.domain.manifest import AssetView, Plan
from participation.domain.overlay import Overlay, Session
from participation.domain.participation import PLACED, Participation, Status
from participation.domain.timeline import Interval, Timeline

T = TypeVar("T")


class FakeStore:
    """Gives out copies, compares versions, and forgets what a failing transaction has written."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.participations = FakeParticipations(self.events)
        self.places = FakePlaces(lambda campaign_id: self.participations.placed_in(campaign_id))
        self.deliveries = FakeDeliveries()
        self.overlays = FakeOverlays(self.events)
        self.sessions = FakeSessions()
        self.timelines = FakeTimelines()
        self.samples = FakeSamples()
        self._is_inside = False

    def atomically(self, work: Callable[[], T]) -> T:
        if self._is_inside:
            return work()
        before = copy.deepcopy([part.__dict__ for part in self._parts()])
        count, self._is_inside = len(self.events), True
        try:
            return work()
        except BaseException:
            del self.events[count:]
            for part, state in zip(self._parts(), before, strict=True):
                part.__dict__.update(state | {"_events": self.events})
            raise
        finally:
            self._is_inside = False

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def _parts(self) -> list[Any]:
        return [
            self.participations,
            self.places,
            self.deliveries,
            self.overlays,
            self.sessions,
            self.timelines,
            self.samples,
        ]


class FakeParticipations:
    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._rows: dict[str, Participation] = {}

    def add(self, participation: Participation, events: Sequence[Event]) -> None:
        pair = (participation.campaign_id, participation.streamer_id)
        if pair in {(row.campaign_id, row.streamer_id) for row in self._rows.values()}:
            raise AlreadyApplied()
        participation.version = 1
        self._rows[participation.id] = copy.deepcopy(participation)
        self._events.extend(events)

    def get(self, participation_id: str) -> Participation:
        if participation_id not in self._rows:
            raise ParticipationNotFound()
        return copy.deepcopy(self._rows[participation_id])

    def save(self, participation: Participation, events: Sequence[Event]) -> None:
        stored = self._rows.get(participation.id)
        if stored is None or stored.version != participation.version:
            raise ConcurrentUpdate()
        participation.version += 1
        self._rows[participation.id] = copy.deepcopy(participation)
        self._events.extend(events)

    def save_all(self, changed: Sequence[tuple[Participation, Sequence[Event]]]) -> None:
        for participation, events in changed:
            self.save(participation, events)

    def tell(self, events: Sequence[Event]) -> None:
        self._events.extend(events)

    def these(self, ids: Collection[str]) -> list[Participation]:
        return self._find(lambda row: row.id in ids, None, 0)

    def of_campaign(
        self, campaign_id: str, status: Status | None, after: str | None, limit: int
    ) -> list[Participation]:
        return self._find(
            lambda row: row.campaign_id == campaign_id and status in (None, row.status), after, limit
        )

    def of_streamer(self, streamer_id: str, after: str | None, limit: int) -> list[Participation]:
        return self._find(lambda row: row.streamer_id == streamer_id, after, limit)

    def playable_of(self, streamer_id: str) -> list[Participation]:
        playable = (Status.APPROVED, Status.ACTIVE)
        return self._find(lambda row: row.streamer_id == streamer_id and row.status in playable, None, 0)

    def unsettled_in(self, campaign_id: str) -> list[str]:
        return [
            row.id
            for row in self._find(lambda r: r.campaign_id == campaign_id, None, 0)
            if not row.is_settled
        ]

    def ids_after(self, after: str | None, limit: int) -> list[str]:
        return sorted(key for key in self._rows if after is None or key > after)[:limit]

    def history(self, participation_id: str) -> Iterator[dict[str, Any]]:
        for event in self._events:
            if event.aggregate_id == participation_id:
                yield {"type": event.type, "data": event.to_data()}

    def earned_in(self, campaign_id: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        for row in self._find(lambda row: row.campaign_id == campaign_id, None, 0):
            sums[row.currency] = sums.get(row.currency, 0) + row.earned_minor
        return sums

    def placed_in(self, campaign_id: str) -> int:
        return len(self._find(lambda row: row.campaign_id == campaign_id and row.status in PLACED, None, 0))

    def _find(
        self, fits: Callable[[Participation], bool], after: str | None, limit: int
    ) -> list[Participation]:
        newest_first = sorted(self._rows.items(), reverse=True)
        below = [row for key, row in newest_first if after is None or key < after]
        found = [copy.deepcopy(row) for row in below if fits(row)]
        return found[:limit] if limit else found


class FakePlaces:
    def __init__(self, placed_in: Callable[[str], int]) -> None:
        self._placed_in = placed_in
        self._taken: dict[str, int] = {}

    def open(self, campaign_id: str) -> None:
        if campaign_id not in self._taken:
            self._taken[campaign_id] = self._placed_in(campaign_id)

    def take(self, campaign_id: str, limit: int | None) -> None:
        if limit is not None and self._taken[campaign_id] >= limit:
            raise CampaignFull()
        self._taken[campaign_id] += 1

    def give_back(self, campaign_id: str) -> None:
        self._taken[campaign_id] = max(0, self._taken[campaign_id] - 1)

    def turn(self, campaign_id: str) -> AbstractContextManager[None]:
        return nullcontext()


class FakeDeliveries:
    def __init__(self) -> None:
        self._buckets: list[Bucket] = []
        self._keys: dict[str, set[str]] = {}

    def add_all(self, buckets: Sequence[tuple[str, Bucket]]) -> None:
        for streamer_id, bucket in buckets:
            self._buckets.append(bucket)
            keys = {delivery.id.lower() for delivery in bucket.deliveries}
            self._keys[streamer_id] = self._keys.get(streamer_id, set()) | keys

    def seen(self, keys: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        return {
            streamer_id: self._keys.get(streamer_id, set()) & set(own) for streamer_id, own in keys.items()
        }

    def buckets_before(self, participation_id: str, number: int | None, limit: int) -> list[Bucket]:
        mine = [bucket for bucket in self._buckets if bucket.participation_id == participation_id]
        below = [bucket for bucket in mine if number is None or bucket.number < number]
        return sorted(below, key=lambda bucket: -bucket.number)[:limit]


class FakeOverlays:
    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._rows: dict[str, Overlay] = {}
        self._retired: set[str] = set()

    def find(self, streamer_id: str) -> Overlay | None:
        return copy.deepcopy(self._rows.get(streamer_id))

    def add(self, overlay: Overlay) -> Overlay:
        return copy.deepcopy(self._rows.setdefault(overlay.streamer_id, copy.deepcopy(overlay)))

    def by_token_hash(self, token_hash: str) -> Overlay:
        for row in self._rows.values():
            if row.token_hash == token_hash:
                return copy.deepcopy(row)
        raise RevokedToken() if token_hash in self._retired else UnknownToken()

    def lately_by_token_hash(self, token_hash: str) -> Overlay:
        return self.by_token_hash(token_hash)

    def lock(self, overlay: Overlay) -> None:
        if self._rows[overlay.streamer_id].token_hash != overlay.token_hash:
            raise RevokedToken()

    def lock_all(self, overlays: Sequence[Overlay]) -> set[str]:
        present = {streamer_id: row.token_hash for streamer_id, row in self._rows.items()}
        return {one.streamer_id for one in overlays if present.get(one.streamer_id) == one.token_hash}

    def save(self, overlay: Overlay, events: Sequence[Event]) -> None:
        if self._rows[overlay.streamer_id].version != overlay.version:
            raise ConcurrentUpdate()
        overlay.version += 1
        self._rows[overlay.streamer_id] = copy.deepcopy(overlay)
        self._events.extend(events)

    def retire(self, token_hash: str, streamer_id: str) -> None:
        self._retired.add(token_hash)


class FakeSessions:
    def __init__(self) -> None:
        self._rows: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        self._rows[session.id] = copy.deepcopy(session)

    def find_all(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Session]:
        mine = {(row.id, row.streamer_id): row for row in self._rows.values()}
        return {pair: copy.deepcopy(mine[pair]) for pair in wanted if pair in mine}

    def save_chains(self, sessions: Sequence[Session]) -> None:
        for session in sessions:
            self._rows[session.id].chain = copy.deepcopy(session.chain)

    def supersede_current(self, streamer_id: str, at_ms: int) -> None:
        for row in self._rows.values():
            if row.streamer_id == streamer_id and row.superseded_ms is None:
                row.superseded_ms = at_ms

    def end_all(self, streamer_id: str) -> None:
        self._rows = {key: row for key, row in self._rows.items() if row.streamer_id != streamer_id}


class FakeTimelines:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], list[Interval]] = {}

    def load_all(self, segments: Mapping[str, Sequence[int]]) -> dict[str, Timeline]:
        return {streamer_id: self._load(streamer_id, numbers) for streamer_id, numbers in segments.items()}

    def save_all(self, timelines: Mapping[str, Timeline]) -> None:
        for streamer_id, timeline in timelines.items():
            for number in timeline.changed:
                self._rows[streamer_id, number] = list(timeline.segments[number])

    def _load(self, streamer_id: str, segments: Sequence[int]) -> Timeline:
        found = {number: self._rows.get((streamer_id, number)) for number in segments}
        return Timeline({number: list(taken) for number, taken in found.items() if taken is not None})


class FakeSamples:
    def __init__(self) -> None:
        self._rows: dict[tuple[str, int], Sample] = {}

    def add_all(self, samples: Sequence[tuple[str, Sample]]) -> None:
        for streamer_id, sample in samples:
            self._rows.setdefault((streamer_id, sample.sampled_ms), sample)

    def between(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[Sample]]:
        rows = sorted((at, owner, row) for (owner, at), row in self._rows.items())
        return {
            streamer_id: [row for at, owner, row in rows if owner == streamer_id and from_ms <= at <= to_ms]
            for streamer_id, (from_ms, to_ms) in spans.items()
        }


class FakeCampaigns:
    def __init__(self, joining: Joining, *plans: Plan) -> None:
        self.joining = joining
        self.plans = {plan.campaign_id: plan for plan in plans}

    def check_joining(self, campaign_id: str, streamer_id: str) -> Joining:
        return self.joining

    def delivery_plans(self, campaign_ids: Collection[str]) -> dict[str, Plan]:
        return {key: self.plans[key] for key in campaign_ids if key in self.plans}


class FakeAssets:
    def __init__(self, *views: AssetView) -> None:
        self.views = {view.asset_id: view for view in views}

    def describe(self, asset_ids: Collection[str]) -> dict[str, AssetView]:
        return {key: self.views[key] for key in asset_ids if key in self.views}


class FakeAudience:
    """`now` is what everybody's audience is; None while nobody can say."""

    def __init__(self, now: Sample | None) -> None:
        self.now = now

    def sample(self, streamer_id: str) -> Sample | None:
        return self.now


class FakeVault:
    def encrypt(self, text: str) -> str:
        return f"sealed:{text}"

    def decrypt(self, sealed: str) -> str:
        return sealed.removeprefix("sealed:")
