"""Participation in MongoDB. Every write belongs to the transaction that the handler has opened.

Accepting a batch writes a fixed number of documents of bounded size, however much was accepted before:
the session's chain, the touched ten minutes of the timeline, one bucket and one head per participation,
and one entry of the replay index. The overlay's document is written too, which makes the batches of one
streamer follow each other.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import orjson
from bson import Binary
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError
from pymongo.results import BulkWriteResult

from chassis.errors import ServiceUnavailable
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.mongo import Mongo
from participation.domain.audience import Sample
from participation.domain.chain import Chain, Claim
from participation.domain.deliveries import Bucket, Delivery, from_epoch_ms
from participation.domain.earnings import Compensation, Counts, Terms
from participation.domain.errors import (
    AlreadyApplied,
    CampaignFull,
    ConcurrentUpdate,
    ParticipationNotFound,
    RevokedToken,
    UnknownToken,
)
from participation.domain.frequency import Cadence, Frequency
from participation.domain.overlay import Overlay, Session, Slot
from participation.domain.participation import PLACED, Participation, Party, Period, Posted, Status
from participation.domain.timeline import SEGMENT_MS, Interval, Timeline
from participation.domain.verification import MAX_AGE_MS
from participation.recently import Recently

T = TypeVar("T")
Document = dict[str, Any]

KEPT = timedelta(milliseconds=MAX_AGE_MS) + timedelta(hours=1)
"""What proves that a showing is new is needed for as long as the showing would be accepted."""

SECONDS_FOR_A_TURN = 4.0
"""As long as a transaction that keeps meeting others is tried."""

HISTORY_PAGE = 100
"""An event may tell of 200 showings."""

LINKS_KEEP_SECONDS = 10.0
LINKS_REMEMBERED = 20_000
"""As many streamers as may be on air. Each of them posts a batch every few seconds."""

SPAN_MS = 3_600_000
"""Spans of samples that begin and end in the same hours are read together."""


class MongoStore:
    """The service's data; its parts share the transaction."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self.participations = MongoParticipations(mongo, outbox)
        self.places = MongoPlaces(mongo)
        self.deliveries = MongoDeliveries(mongo)
        self.overlays = MongoOverlays(mongo, outbox)
        self.sessions = MongoSessions(mongo)
        self.timelines = MongoTimelines(mongo)
        self.samples = MongoSamples(mongo)

    def ensure_indexes(self) -> None:
        for part in (
            self.participations,
            self.deliveries,
            self.overlays,
            self.sessions,
            self.timelines,
            self.samples,
        ):
            part.ensure_indexes()

    def atomically(self, work: Callable[[], T]) -> T:
        return self._mongo.transaction(work)


class MongoParticipations:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._rows = mongo["participations"]

    def ensure_indexes(self) -> None:
        self._rows.create_index([("campaign_id", 1), ("streamer_id", 1)], unique=True, name="one_each")
        self._rows.create_index([("campaign_id", 1), ("_id", -1)], name="of_campaign")
        self._rows.create_index([("streamer_id", 1), ("_id", -1)], name="of_streamer")

    def add(self, participation: Participation, events: Sequence[Event]) -> None:
        participation.version = 1
        try:
            self._rows.insert_one(_participation_row(participation), session=self._mongo.session)
        except DuplicateKeyError:
            raise AlreadyApplied() from None
        self._outbox.append(events, participation.version)

    def get(self, participation_id: str) -> Participation:
        row = self._rows.find_one({"_id": participation_id}, session=self._mongo.session)
        if row is None:
            raise ParticipationNotFound()
        return _participation(row)

    def save(self, participation: Participation, events: Sequence[Event]) -> None:
        read_version, participation.version = participation.version, participation.version + 1
        replaced = self._rows.replace_one(
            {"_id": participation.id, "version": read_version},
            _participation_row(participation),
            session=self._mongo.session,
        )
        if replaced.matched_count == 0:
            raise ConcurrentUpdate()
        self._outbox.append(events, participation.version)

    def save_all(self, changed: Sequence[tuple[Participation, Sequence[Event]]]) -> None:
        if not changed:
            return
        replacements = []
        for participation, _ in changed:
            read_version, participation.version = participation.version, participation.version + 1
            read = {"_id": participation.id, "version": read_version}
            replacements.append(ReplaceOne(read, _participation_row(participation)))
        if self._write(replacements).matched_count < len(changed):
            raise ConcurrentUpdate()
        self._outbox.append_all([(events, participation.version) for participation, events in changed])

    def _write(self, operations: Sequence[ReplaceOne[Document]]) -> BulkWriteResult:
        return self._rows.bulk_write(operations, ordered=False, session=self._mongo.session)

    def tell(self, events: Sequence[Event]) -> None:
        self._outbox.append(events, 1)

    def these(self, ids: Collection[str]) -> list[Participation]:
        return self._find({"_id": {"$in": list(ids)}}, limit=0) if ids else []

    def of_campaign(
        self, campaign_id: str, status: Status | None, after: str | None, limit: int
    ) -> list[Participation]:
        query: Document = {"campaign_id": campaign_id} | ({"status": status.value} if status else {})
        return self._find(query | _below(after), limit)

    def of_streamer(self, streamer_id: str, after: str | None, limit: int) -> list[Participation]:
        return self._find({"streamer_id": streamer_id} | _below(after), limit)

    def playable_of(self, streamer_id: str) -> list[Participation]:
        playable = [Status.APPROVED.value, Status.ACTIVE.value]
        return self._find({"streamer_id": streamer_id, "status": {"$in": playable}}, limit=0)

    def unsettled_in(self, campaign_id: str) -> list[str]:
        query = {"campaign_id": campaign_id, "is_settled": False}
        return [row["_id"] for row in self._rows.find(query, {"_id": 1}, session=self._mongo.session)]

    def earned_in(self, campaign_id: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        fields = {"currency": 1, "earned_minor": 1}
        for row in self._rows.find({"campaign_id": campaign_id}, fields, session=self._mongo.session):
            sums[row["currency"]] = sums.get(row["currency"], 0) + row["earned_minor"]
        return sums

    def ids_after(self, after: str | None, limit: int) -> list[str]:
        query = {} if after is None else {"_id": {"$gt": after}}
        return [row["_id"] for row in self._rows.find(query, {"_id": 1}).sort("_id", 1).limit(limit)]

    def history(self, participation_id: str) -> Iterator[Document]:
        after: tuple[int, int] | None = None
        while page := self._outbox.history(participation_id, after, HISTORY_PAGE):
            yield from page
            after = (page[-1]["aggregate_version"], page[-1]["index"])

    def _find(self, query: Document, limit: int) -> list[Participation]:
        found = self._rows.find(query, session=self._mongo.session).sort("_id", -1).limit(limit)
        return [_participation(row) for row in found]


class Turn:
    """Who may write a campaign's places; gone when nobody of this process wants to."""

    def __init__(self) -> None:
        self.lock = Lock()


class MongoPlaces:
    """A document per campaign. Two transactions that write it cannot both commit; the second tries again."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo["places"]
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    @contextmanager
    def turn(self, campaign_id: str) -> Iterator[None]:
        turn = self._turns.setdefault(campaign_id, Turn())
        if not turn.lock.acquire(timeout=SECONDS_FOR_A_TURN):
            raise ServiceUnavailable("too many want a place of this campaign at once")
        try:
            yield
        finally:
            turn.lock.release()

    def open(self, campaign_id: str) -> None:
        if self._rows.find_one({"_id": campaign_id}) is not None:
            return
        placed = {"campaign_id": campaign_id, "status": {"$in": [status.value for status in PLACED]}}
        taken = self._mongo["participations"].count_documents(placed)
        with suppress(DuplicateKeyError):
            self._rows.insert_one({"_id": campaign_id, "taken": taken})

    def take(self, campaign_id: str, limit: int | None) -> None:
        free = {"_id": campaign_id} | ({"taken": {"$lt": limit}} if limit is not None else {})
        if not self._change(free, 1):
            raise CampaignFull()

    def give_back(self, campaign_id: str) -> None:
        self._change({"_id": campaign_id, "taken": {"$gt": 0}}, -1)

    def _change(self, which: Document, by: int) -> bool:
        changed = self._rows.update_one(which, {"$inc": {"taken": by}}, session=self._mongo.session)
        return changed.matched_count == 1


class MongoDeliveries:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._buckets = mongo["deliveries"]
        self._replays = mongo["replays"]

    def ensure_indexes(self) -> None:
        self._buckets.create_index([("participation_id", 1), ("number", -1)], unique=True, name="bucket")
        self._replays.create_index("keys", name="used_keys")
        self._replays.create_index("expires_at", expireAfterSeconds=0, name="expiry")

    def add_all(self, buckets: Sequence[tuple[str, Bucket]]) -> None:
        if not buckets:
            return
        self._buckets.insert_many([_bucket_row(bucket) for _, bucket in buckets], session=self._mongo.session)
        self._replays.insert_many(
            [_replay_row(streamer_id, bucket) for streamer_id, bucket in buckets], session=self._mongo.session
        )

    def seen(self, keys: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By the keys alone: they are random, so hardly any document that has one is another streamer's."""
        found: dict[str, set[str]] = {streamer_id: set() for streamer_id in keys}
        wanted = sorted({key for own in keys.values() for key in own})
        if wanted:
            fields = {"streamer_id": 1, "keys": 1}
            for row in self._replays.find({"keys": {"$in": wanted}}, fields, session=self._mongo.session):
                if row["streamer_id"] in found:
                    found[row["streamer_id"]] |= {*row["keys"]} & {*keys[row["streamer_id"]]}
        return found

    def buckets_before(self, participation_id: str, number: int | None, limit: int) -> list[Bucket]:
        query: Document = {"participation_id": participation_id}
        if number is not None:
            query["number"] = {"$lt": number}
        found = self._buckets.find(query, session=self._mongo.session).sort("number", -1).limit(limit)
        return [_bucket(row) for row in found]


class MongoOverlays:
    """`turn` is counted up by whoever locks, so that two transactions that lock cannot both commit."""

    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._rows = mongo["overlays"]
        self._retired = mongo["retired_links"]
        self._lately: Recently[Overlay] = Recently(LINKS_REMEMBERED)

    def ensure_indexes(self) -> None:
        self._rows.create_index("token_hash", unique=True, name="token")

    def find(self, streamer_id: str) -> Overlay | None:
        row = self._rows.find_one({"_id": streamer_id}, session=self._mongo.session)
        return _overlay(row) if row is not None else None

    def add(self, overlay: Overlay) -> Overlay:
        with suppress(DuplicateKeyError):
            self._rows.insert_one(_overlay_row(overlay) | {"_id": overlay.streamer_id, "turn": 0})
        stored = self.find(overlay.streamer_id)
        assert stored is not None, "either we have put it there or somebody else has"
        return stored

    def by_token_hash(self, token_hash: str) -> Overlay:
        row = self._rows.find_one({"token_hash": token_hash}, session=self._mongo.session)
        if row is not None:
            return _overlay(row)
        if self._retired.find_one({"_id": token_hash}, session=self._mongo.session) is not None:
            raise RevokedToken()
        raise UnknownToken()

    def lately_by_token_hash(self, token_hash: str) -> Overlay:
        overlay = self._lately.get(token_hash)
        if overlay is None:
            overlay = self.by_token_hash(token_hash)
            self._lately.put(token_hash, overlay, LINKS_KEEP_SECONDS)
        return replace(overlay)

    def lock(self, overlay: Overlay) -> None:
        locked = self._rows.update_one(
            {"_id": overlay.streamer_id, "token_hash": overlay.token_hash},
            {"$inc": {"turn": 1}},
            session=self._mongo.session,
        )
        if locked.matched_count == 0:
            raise RevokedToken()

    def lock_all(self, overlays: Sequence[Overlay]) -> set[str]:
        """Counting up all of them at once does not say whose was replaced, so that is asked first."""
        hashes = {overlay.streamer_id: overlay.token_hash for overlay in overlays}
        everybody = {"_id": {"$in": sorted(hashes)}}
        present = self._rows.find(everybody, {"token_hash": 1}, session=self._mongo.session)
        locked = {row["_id"] for row in present if row["token_hash"] == hashes[row["_id"]]}
        if locked:
            these = {"_id": {"$in": sorted(locked)}}
            self._rows.update_many(these, {"$inc": {"turn": 1}}, session=self._mongo.session)
        return locked

    def save(self, overlay: Overlay, events: Sequence[Event]) -> None:
        read_version, overlay.version = overlay.version, overlay.version + 1
        updated = self._rows.update_one(
            {"_id": overlay.streamer_id, "version": read_version},
            {"$set": _overlay_row(overlay)},
            session=self._mongo.session,
        )
        if updated.matched_count == 0:
            raise ConcurrentUpdate()
        self._outbox.append(events, overlay.version)

    def retire(self, token_hash: str, streamer_id: str) -> None:
        self._retired.insert_one(
            {"_id": token_hash, "streamer_id": streamer_id, "at": datetime.now(UTC)},
            session=self._mongo.session,
        )


class MongoSessions:
    """A session is kept for as long as a showing that it signed could still be accepted."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo["sessions"]

    def ensure_indexes(self) -> None:
        self._rows.create_index([("streamer_id", 1), ("superseded_ms", 1)], name="current")
        self._rows.create_index("purge_at", expireAfterSeconds=0, name="expiry")

    def add(self, session: Session) -> None:
        self._rows.insert_one(_session_row(session), session=self._mongo.session)

    def find_all(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], Session]:
        query = {"_id": {"$in": [session_id for session_id, _ in wanted]}}
        found = self._rows.find(query, session=self._mongo.session) if wanted else ()
        sessions = {(row["_id"], row["streamer_id"]): _session(row) for row in found}
        return {pair: sessions[pair] for pair in wanted if pair in sessions}

    def save_chains(self, sessions: Sequence[Session]) -> None:
        if sessions:
            chains = [
                UpdateOne({"_id": session.id}, {"$set": {"chain": _chain_row(session.chain)}})
                for session in sessions
            ]
            self._rows.bulk_write(chains, ordered=False, session=self._mongo.session)

    def supersede_current(self, streamer_id: str, at_ms: int) -> None:
        self._rows.update_many(
            {"streamer_id": streamer_id, "superseded_ms": None},
            {"$set": {"superseded_ms": at_ms}},
            session=self._mongo.session,
        )

    def end_all(self, streamer_id: str) -> None:
        self._rows.delete_many({"streamer_id": streamer_id}, session=self._mongo.session)


class MongoTimelines:
    """One document per streamer and ten minutes."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo["timelines"]

    def ensure_indexes(self) -> None:
        self._rows.create_index("expires_at", expireAfterSeconds=0, name="expiry")

    def load_all(self, segments: Mapping[str, Sequence[int]]) -> dict[str, Timeline]:
        owners = {f"{owner}:{number}": owner for owner, numbers in segments.items() for number in numbers}
        query = {"_id": {"$in": list(owners)}}
        found: dict[str, dict[int, list[Interval]]] = {owner: {} for owner in segments}
        for row in self._rows.find(query, session=self._mongo.session) if owners else ():
            found[owners[row["_id"]]][row["segment"]] = _intervals(row["taken"])
        return {owner: Timeline(taken) for owner, taken in found.items()}

    def save_all(self, timelines: Mapping[str, Timeline]) -> None:
        changed = [
            ReplaceOne({"_id": f"{owner}:{number}"}, _segment_row(number, timeline), upsert=True)
            for owner, timeline in timelines.items()
            for number in sorted(timeline.changed)
        ]
        if changed:
            self._rows.bulk_write(changed, ordered=False, session=self._mongo.session)


class MongoSamples:
    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._rows = mongo["samples"]

    def ensure_indexes(self) -> None:
        self._rows.create_index([("streamer_id", 1), ("sampled_ms", 1)], name="of_streamer")
        self._rows.create_index("expires_at", expireAfterSeconds=0, name="expiry")

    def add_all(self, samples: Sequence[tuple[str, Sample]]) -> None:
        if samples:
            fresh = [
                UpdateOne(
                    {"_id": f"{streamer_id}:{sample.sampled_ms}"},
                    {"$setOnInsert": _sample_row(streamer_id, sample)},
                    upsert=True,
                )
                for streamer_id, sample in samples
            ]
            self._rows.bulk_write(fresh, ordered=False, session=self._mongo.session)

    def between(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[Sample]]:
        """One question for the streamers whose spans lie about alike, as those of live overlays do.

        A single span around all of them would read a day of everybody's when one batch comes late.
        """
        alike: dict[tuple[int, int], list[str]] = {}
        for streamer_id, (from_ms, to_ms) in spans.items():
            hours = (from_ms // SPAN_MS, to_ms // SPAN_MS)
            alike.setdefault(hours, []).append(streamer_id)
        found: dict[str, list[Sample]] = {streamer_id: [] for streamer_id in spans}
        for streamers in alike.values():
            for streamer_id, sample in self._among(streamers, spans):
                from_ms, to_ms = spans[streamer_id]
                if from_ms <= sample.sampled_ms <= to_ms:
                    found[streamer_id].append(sample)
        return found

    def _among(
        self, streamers: Sequence[str], spans: Mapping[str, tuple[int, int]]
    ) -> Iterator[tuple[str, Sample]]:
        from_ms = min(spans[streamer_id][0] for streamer_id in streamers)
        to_ms = max(spans[streamer_id][1] for streamer_id in streamers)
        query = {"streamer_id": {"$in": streamers}, "sampled_ms": {"$gte": from_ms, "$lte": to_ms}}
        for row in self._rows.find(query, session=self._mongo.session).sort("sampled_ms", 1):
            yield row["streamer_id"], Sample(**{name: row[name] for name in Sample.__slots__})


def _below(after: str | None) -> Document:
    return {"_id": {"$lt": after}} if after is not None else {}


def _participation_row(participation: Participation) -> Document:
    """Without `asdict`, which copies deeply what hundreds of showings a second write again."""
    row = _shallow(participation)
    row["_id"] = row.pop("id")
    row["status"] = participation.status.value
    row["terms"] = asdict(participation.terms) if participation.terms else None
    row["holds"] = sorted(party.value for party in participation.holds)
    row["periods"] = [_shallow(period) for period in participation.periods]
    row["counts"], row["posted"] = _shallow(participation.counts), _shallow(participation.posted)
    row["cadence"] = _shallow(participation.cadence) | {
        "hours": [list(item) for item in participation.cadence.hours.items()],
        "recent": _packed(participation.cadence.recent),
    }
    return row


def _shallow(value: Any) -> Document:
    return {name: getattr(value, name) for name in value.__slots__}


def _packed(moments: Sequence[int]) -> Binary:
    """Milliseconds as one value: a database takes hundreds of numbers in a document one by one."""
    return Binary(struct.pack(f"<{len(moments)}q", *moments))


def _unpacked(packed: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(packed) // 8}q", packed))


def _intervals(packed: bytes) -> list[Interval]:
    moments = _unpacked(packed)
    return list(zip(moments[::2], moments[1::2], strict=True))


def _participation(row: Document) -> Participation:
    fields = {name: value for name, value in row.items() if name != "_id"}
    fields |= {
        "id": row["_id"],
        "status": Status(row["status"]),
        "terms": _terms(row["terms"]) if row["terms"] is not None else None,
        "holds": {Party(party) for party in row["holds"]},
        "periods": [Period(**period) for period in row["periods"]],
        "cadence": _cadence(row["cadence"]),
        "counts": Counts(**row["counts"]),
        "posted": Posted(**row["posted"]),
    }
    return Participation(**fields)


def _terms(row: Document) -> Terms:
    return Terms(**row | {"compensation": Compensation(**row["compensation"])})


def _cadence(row: Document) -> Cadence:
    return Cadence(**row | {"hours": dict(row["hours"]), "recent": _unpacked(row["recent"])})


def _bucket_row(bucket: Bucket) -> Document:
    """The showings are one JSON text: nobody looks for one of them, and up to 200 documents cost so many."""
    return {
        "_id": f"{bucket.participation_id}:{bucket.number}",
        "participation_id": bucket.participation_id,
        "number": bucket.number,
        "session_id": bucket.session_id,
        "accepted_at": bucket.accepted_at,
        "deliveries": orjson.dumps(bucket.deliveries).decode(),
    }


def _replay_row(streamer_id: str, bucket: Bucket) -> Document:
    return {
        "_id": f"{bucket.participation_id}:{bucket.number}",
        "streamer_id": streamer_id,
        "keys": [delivery.id.lower() for delivery in bucket.deliveries],
        "expires_at": bucket.accepted_at + KEPT,
    }


def _segment_row(number: int, timeline: Timeline) -> Document:
    return {
        "segment": number,
        "taken": _packed([moment for interval in timeline.segments[number] for moment in interval]),
        "expires_at": from_epoch_ms((number + 1) * SEGMENT_MS) + KEPT,
    }


def _sample_row(streamer_id: str, sample: Sample) -> Document:
    expires_at = from_epoch_ms(sample.sampled_ms) + KEPT
    return asdict(sample) | {"streamer_id": streamer_id, "expires_at": expires_at}


def _bucket(row: Document) -> Bucket:
    return Bucket(
        participation_id=row["participation_id"],
        number=row["number"],
        session_id=row["session_id"],
        accepted_at=row["accepted_at"],
        deliveries=[Delivery(**delivery) for delivery in orjson.loads(row["deliveries"])],
    )


def _overlay_row(overlay: Overlay) -> Document:
    row = asdict(overlay)
    del row["streamer_id"]
    return row


def _overlay(row: Document) -> Overlay:
    own = {name: value for name, value in row.items() if name not in ("_id", "turn")}
    return Overlay(streamer_id=row["_id"], **own)


def _session_row(session: Session) -> Document:
    return {
        "_id": session.id,
        "streamer_id": session.streamer_id,
        "sealed_key": session.sealed_key,
        "issued_ms": session.issued_ms,
        "expires_ms": session.expires_ms,
        "superseded_ms": session.superseded_ms,
        "slots": [asdict(slot) for slot in session.slots],
        "chain": _chain_row(session.chain),
        "purge_at": session.expires_at + KEPT,
    }


def _session(row: Document) -> Session:
    own = {name: row[name] for name in ("streamer_id", "sealed_key", "issued_ms", "expires_ms")}
    return Session(
        id=row["_id"],
        superseded_ms=row["superseded_ms"],
        slots=[Slot(**slot | {"frequency": Frequency(**slot["frequency"])}) for slot in row["slots"]],
        chain=_chain(row["chain"]),
        **own,
    )


def _chain_row(chain: Chain) -> Document:
    claim = {"seq": chain.claim.seq, "proofs": list(chain.claim.proofs)} if chain.claim else None
    return {"seq": chain.seq, "proof": chain.proof, "claim": claim}


def _chain(row: Document) -> Chain:
    claim = Claim(row["claim"]["seq"], tuple(row["claim"]["proofs"])) if row["claim"] else None
    return Chain(row["proof"], row["seq"], claim)
