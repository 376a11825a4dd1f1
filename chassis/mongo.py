"""MongoDB for a service: transactions that storages join, the outbox, the inbox and sagas.

Writes are acknowledged by a majority and journaled, reads see what a majority has. A transaction's
work may run twice, since the driver retries it after a write conflict.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
import pymongo
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider, SharedExtension
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from chassis import failpoints
from chassis.errors import Conflict, NotFound, ServiceUnavailable
from chassis.event import Event, ReceivedEvent
from chassis.events.outbox import Backlog, Outbox, Record, Relay, records
from chassis.extensions import Configuration, Once, Readiness
from chassis.saga import SagaProvider, Sagas
from chassis.saga_steps import SagaState
from chassis.single_flight import SingleFlight

T = TypeVar("T")

WRITE_TIMEOUT_MS = 5_000
SERVER_TIMEOUT_MS = 4_000
"""Below the deadline of an RPC, so that a database that is gone is told apart from a slow service."""

PATIENCE_SECONDS = 4.0
"""How long a transaction that keeps meeting another one is tried again; PyMongo would go on for two minutes,
long after the caller's deadline. As long as a lock is waited for in PostgreSQL."""

INBOX_DAYS = 30
"""Longer than any message can wait in a queue or among the dead letters."""


class Mongo:
    """One service's database."""

    def __init__(self, uri: str, name: str) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            uri,
            tz_aware=True,
            serverSelectionTimeoutMS=SERVER_TIMEOUT_MS,
            connectTimeoutMS=SERVER_TIMEOUT_MS,
            socketTimeoutMS=20_000,
            maxPoolSize=50,
            retryWrites=True,
            appname=name[:64],
        )
        self._database = self._client.get_database(
            name,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=WRITE_TIMEOUT_MS, j=True),
        )
        self._reads: SingleFlight[str, tuple[dict[str, dict[str, Any]], frozenset[str]]] = SingleFlight()
        self._session: ContextVar[ClientSession | None] = ContextVar("mongo_session", default=None)
        self._after: ContextVar[list[Callable[[], None]] | None] = ContextVar("mongo_after", default=None)

    def __getitem__(self, collection: str) -> Collection[dict[str, Any]]:
        return self._database[collection]

    def find_by_id(self, collection: str, document_id: str) -> dict[str, Any] | None:
        """One document. Outside of a transaction, those who look into a collection at once ask together.

        Each is given a document of its own.
        """
        if self.session is not None:
            return self[collection].find_one({"_id": document_id}, session=self.session)

        def find(ids: list[str]) -> tuple[dict[str, dict[str, Any]], frozenset[str]]:
            found = self[collection].find({"_id": {"$in": list(set(ids))}})
            repeated = frozenset(one for one, times in Counter(ids).items() if times > 1)
            return {document["_id"]: document for document in found}, repeated

        documents, repeated = self._reads.share(collection, document_id, find)
        document = documents.get(document_id)
        return deepcopy(document) if document_id in repeated else document

    @property
    def session(self) -> ClientSession | None:
        """The session of the current transaction, to be passed to every operation; None outside."""
        return self._session.get()

    def transaction(self, work: Callable[[], T]) -> T:
        """Run `work` in a transaction, or in the one that is already open here. It may run twice.

        ServiceUnavailable when others hold what it needs for longer than anybody would wait.
        """
        if self.session is not None:
            return work()
        hooks: list[Callable[[], None]] = []

        until = time.monotonic() + PATIENCE_SECONDS

        def attempt(session: ClientSession) -> T:
            if time.monotonic() > until:
                raise ServiceUnavailable("the database is busy")
            hooks.clear()
            session_token, after_token = self._session.set(session), self._after.set(hooks)
            try:
                failpoints.reach("write.before")
                result = work()
                failpoints.reach("write.after")
            finally:
                self._session.reset(session_token)
                self._after.reset(after_token)
            failpoints.reach("commit.before")
            return result

        with self._client.start_session() as session:
            result = session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", wtimeout=WRITE_TIMEOUT_MS, j=True),
            )
        failpoints.reach("commit.after")
        for hook in hooks:
            hook()
        return result

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Call `hook` once the current transaction has committed; at once outside of one."""
        hooks = self._after.get()
        if hooks is None:
            hook()
        else:
            hooks.append(hook)

    def ping(self) -> None:
        self._client.admin.command("ping")

    def drop(self) -> None:
        """Delete the whole database, for tests."""
        self._client.drop_database(self._database.name)

    def close(self) -> None:
        self._client.close()


class MongoOutbox:
    """Events in the collection `events`, and in `unpublished` a note per transaction until they are out.

    Marking the events themselves would write each of them a second time, showings and all. Their data is
    JSON text, since nobody looks into it here, and nothing is as cheap for a database as one value.
    """

    def __init__(self, mongo: Mongo, submit: Callable[[MongoOutbox, Sequence[Record]], None]) -> None:
        self._mongo = mongo
        self._submit = submit

    def ensure_indexes(self) -> None:
        events = self._mongo["events"]
        events.create_index(
            [("aggregate_id", 1), ("aggregate_version", 1), ("index", 1)], unique=True, name="aggregate"
        )
        unpublished = self._mongo["unpublished"]
        unpublished.create_index("at", name="at")
        unpublished.create_index("events.id", name="events")

    def append(self, events: Sequence[Event], aggregate_version: int) -> None:
        self.append_all([(events, aggregate_version)])

    def append_all(self, changes: Sequence[tuple[Sequence[Event], int]]) -> None:
        fresh = [record for events, version in changes for record in records(events, version)]
        if not fresh:
            return
        documents = [_document(record) for record in fresh]
        self._mongo["events"].insert_many(documents, session=self._mongo.session)
        self._mongo["unpublished"].insert_one(_note(fresh), session=self._mongo.session)
        self._mongo.after_commit(lambda: self._submit(self, fresh))

    def history(
        self, aggregate_id: str, after: Sequence[Any] | None = None, limit: int = 20
    ) -> list[dict[str, Any]]:
        query: dict[str, Any] = {"aggregate_id": aggregate_id}
        if after is not None:
            version, index = after
            query["$or"] = [
                {"aggregate_version": {"$gt": version}},
                {"aggregate_version": version, "index": {"$gt": index}},
            ]
        found = (
            self._mongo["events"]
            .find(query, session=self._mongo.session)
            .sort([("aggregate_version", 1), ("index", 1)])
            .limit(limit)
        )
        return [_record(document).to_history() | {"index": document["index"]} for document in found]

    def unpublished(self, before: datetime, limit: int) -> list[Record]:
        notes = self._mongo["unpublished"].find({"at": {"$lt": before}}).sort("at", 1).limit(limit)
        ids = [event["id"] for note in notes for event in note["events"]][:limit]
        found = self._mongo["events"].find({"_id": {"$in": ids}})
        records = {document["_id"]: _record(document) for document in found}
        return [records[event_id] for event_id in ids]

    def mark_published(self, ids: Sequence[str]) -> None:
        """A note of which some events are not out yet stays with those."""
        published, notes = set(ids), self._mongo["unpublished"]
        done = []
        for note in notes.find({"events.id": {"$in": sorted(published)}}):
            if {event["id"] for event in note["events"]} <= published:
                done.append(note["_id"])
            else:
                notes.update_one({"_id": note["_id"]}, {"$pull": {"events": {"id": {"$in": list(ids)}}}})
                # Another relay may have taken the others off it at the same moment.
                notes.delete_one({"_id": note["_id"], "events": []})
        notes.delete_many({"_id": {"$in": done}})

    def backlog(self) -> list[Backlog]:
        waiting: dict[str, list[datetime]] = {}
        for note in self._mongo["unpublished"].find():
            for event in note["events"]:
                waiting.setdefault(event["type"], []).append(note["at"])
        return [Backlog(kind, len(since), min(since)) for kind, since in sorted(waiting.items())]


def _note(fresh: Sequence[Record]) -> dict[str, Any]:
    events = [{"id": record.id, "type": record.type} for record in fresh]
    return {"_id": fresh[0].id, "at": fresh[0].time, "events": events}


def _document(record: Record) -> dict[str, Any]:
    return {
        "_id": record.id,
        "aggregate_id": record.aggregate_id,
        "aggregate_version": record.aggregate_version,
        "index": record.index,
        "type": record.type,
        "version": record.version,
        "time": record.time,
        "data": orjson.dumps(record.data).decode(),
        "actor": record.actor,
        "request_id": record.request_id,
        "traceparent": record.traceparent,
        "session": record.session,
    }


def _record(document: dict[str, Any]) -> Record:
    return Record(
        id=document["_id"],
        aggregate_id=document["aggregate_id"],
        aggregate_version=document["aggregate_version"],
        index=document["index"],
        type=document["type"],
        version=document["version"],
        time=document["time"],
        data=orjson.loads(document["data"]),
        actor=document.get("actor"),
        request_id=document.get("request_id"),
        traceparent=document.get("traceparent"),
        session=document.get("session"),
    )


class MongoInboxStore:
    """Which events a consumer has handled, written in the transaction of their effects."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        self._mongo["inbox"].create_index("at", expireAfterSeconds=INBOX_DAYS * 24 * 3600, name="at")

    def once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], None]
    ) -> None:
        """Give `work` those events that this consumer has not handled, and remember them with it."""
        self._mongo.transaction(lambda: self._once(consumer, events, work))

    def _once(
        self, consumer: str, events: Sequence[ReceivedEvent], work: Callable[[list[ReceivedEvent]], None]
    ) -> None:
        inbox, session = self._mongo["inbox"], self._mongo.session
        by_key = {f"{consumer}:{event.id}": event for event in events}
        seen = {row["_id"] for row in inbox.find({"_id": {"$in": list(by_key)}}, session=session)}
        new = {key: event for key, event in by_key.items() if key not in seen}
        if not new:
            return
        now = datetime.now(UTC)
        # Two processes that hold the same event collide here, and the second one's transaction fails.
        inbox.insert_many([{"_id": key, "at": now} for key in new], session=session)
        work(list(new.values()))


class MongoSagaStore:
    """Sagas in the collection `sagas`. `active` is there while one runs, and is unique."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def ensure_indexes(self) -> None:
        sagas = self._mongo["sagas"]
        sagas.create_index("active", unique=True, sparse=True, name="active")
        sagas.create_index([("type", 1), ("next_at", 1)], name="due")

    def create(self, saga: SagaState, now: datetime) -> str:
        active = f"{saga.type}:{saga.key}"
        running = self._running(active)
        if running is not None:
            return running
        document = _saga_document(saga) | {
            "_id": saga.id,
            "active": active,
            "next_at": now,
            "lease": "",
            "created_at": now,
        }
        try:
            self._mongo["sagas"].insert_one(document, session=self._mongo.session)
        except DuplicateKeyError:
            # Somebody started it in between. Inside a transaction that is over for the caller too.
            if self._mongo.session is not None:
                raise Conflict(f"{saga.type} was started for {saga.key} at this moment") from None
            return self._running(active) or self.create(saga, now)
        return saga.id

    def _running(self, active: str) -> str | None:
        found = self._mongo["sagas"].find_one({"active": active}, session=self._mongo.session)
        return None if found is None else str(found["_id"])

    def lease(self, type: str, now: datetime, until: datetime, token: str) -> SagaState | None:
        document = self._mongo["sagas"].find_one(
            {"type": type, "next_at": {"$lte": now}}, sort=[("next_at", 1)]
        )
        if document is None:
            return None
        taken = self._mongo["sagas"].update_one(
            {"_id": document["_id"], "lease": document["lease"], "next_at": document["next_at"]},
            {"$set": {"lease": token, "next_at": until}},
        )
        return _saga(document) if taken.modified_count == 1 else None

    def renew(self, saga_id: str, token: str, until: datetime) -> bool:
        renewed = self._mongo["sagas"].update_one(
            {"_id": saga_id, "lease": token}, {"$set": {"next_at": until}}
        )
        return renewed.matched_count == 1

    def save(self, saga: SagaState, token: str, next_at: datetime | None) -> bool:
        lease = "" if saga.attempts else token
        changes: dict[str, Any] = {"$set": _saga_document(saga) | {"next_at": next_at, "lease": lease}}
        if saga.is_finished:
            changes["$unset"] = {"active": ""}
        saved = self._mongo["sagas"].update_one(
            {"_id": saga.id, "lease": token}, changes, session=self._mongo.session
        )
        return saved.matched_count == 1

    def get(self, saga_id: str) -> SagaState:
        document = self._mongo["sagas"].find_one({"_id": saga_id}, session=self._mongo.session)
        if document is None:
            raise NotFound(f"there is no saga {saga_id}")
        return _saga(document)

    def list(self, status: str | None = None, limit: int = 100) -> list[SagaState]:
        query = {"status": status} if status else {}
        return [_saga(d) for d in self._mongo["sagas"].find(query).sort("created_at", -1).limit(limit)]

    def count(self) -> dict[str, int]:
        groups = self._mongo["sagas"].aggregate([{"$group": {"_id": "$status", "count": {"$sum": 1}}}])
        return {group["_id"]: group["count"] for group in groups}

    def make_due(self, saga_id: str, now: datetime) -> bool:
        waiting = {"_id": saga_id, "lease": "", "next_at": {"$ne": None}}
        return self._mongo["sagas"].update_one(waiting, {"$min": {"next_at": now}}).matched_count == 1


def _saga_document(saga: SagaState) -> dict[str, Any]:
    return {
        "type": saga.type,
        "key": saga.key,
        "data": saga.data,
        "status": saga.status,
        "step": saga.step,
        "attempts": saga.attempts,
        "error": saga.error,
        "log": saga.log,
    }


def _saga(document: dict[str, Any]) -> SagaState:
    return SagaState(
        id=document["_id"],
        type=document["type"],
        key=document["key"],
        data=document["data"],
        status=document["status"],
        step=document["step"],
        attempts=document["attempts"],
        error=document["error"],
        log=document["log"],
        created_at=document["created_at"],
        next_at=document["next_at"],
    )


class MongoConnection(SharedExtension):
    """The container's one Mongo, its outbox, and what needs indexes before anything runs."""

    configuration = Configuration()
    readiness = Readiness()
    relay = Relay()

    def __init__(self) -> None:
        self._mongo = Once(self._open_mongo)
        self._outbox = Once(self._open_outbox)

    def get_mongo(self) -> Mongo:
        return self._mongo.get()

    def get_outbox(self) -> MongoOutbox:
        return self._outbox.get()

    def stop(self) -> None:
        if self._mongo.is_built:
            self.get_mongo().close()

    def _open_mongo(self) -> Mongo:
        settings = self.configuration.settings
        mongo = Mongo(settings.mongo_uri.reveal(), f"{settings.database_prefix}{self.container.service_name}")
        self.readiness.add("mongo", mongo.ping)
        return mongo

    def _open_outbox(self) -> MongoOutbox:
        outbox = MongoOutbox(self.get_mongo(), self.relay.submit)
        _must_ensure_indexes(outbox)
        self.relay.serve(outbox)
        return outbox


class MongoStore(DependencyProvider):
    """Builds a storage class once, as `factory(mongo, outbox)`, and hands it over.

    campaigns = MongoStore(storage.MongoCampaigns)
    """

    connection = MongoConnection()

    def __init__(self, factory: Callable[[Mongo, Outbox], Any]) -> None:
        self._factory = factory
        self._built: Any = None

    def setup(self) -> None:
        self._built = self._factory(self.connection.get_mongo(), self.connection.get_outbox())
        _must_ensure_indexes(self._built)

    def get_dependency(self, worker_ctx: WorkerContext) -> Any:
        return self._built


class MongoInbox(DependencyProvider):
    """The attribute `inbox` that event handlers need."""

    connection = MongoConnection()

    def __init__(self) -> None:
        self._store: MongoInboxStore | None = None

    def setup(self) -> None:
        self._store = MongoInboxStore(self.connection.get_mongo())
        _must_ensure_indexes(self._store)

    def get_dependency(self, worker_ctx: WorkerContext) -> MongoInboxStore | None:
        return self._store


class MongoSagas(SagaProvider):
    """The attribute `sagas` of a service that keeps its sagas in MongoDB."""

    connection = MongoConnection()

    def open(self) -> Sagas:
        store = MongoSagaStore(self.connection.get_mongo())
        _must_ensure_indexes(store)
        return Sagas(store, self.connection.get_mongo().after_commit)


def _must_ensure_indexes(store: Any) -> None:
    try:
        store.ensure_indexes()
    except DuplicateKeyError:
        raise
    except PyMongoError as error:
        raise ServiceUnavailable(f"the database is not reachable: {type(error).__name__}") from error
