"""One contract for the outbox and the inbox of every store."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
import sqlalchemy as sa

from chassis import context
from chassis.context import CallContext
from chassis.event import Event, ReceivedEvent
from chassis.mongo import MongoInboxStore, MongoOutbox
from chassis.sql import SqlInboxStore, SqlOutbox, complete_chassis_tables


@dataclass(frozen=True, kw_only=True)
class ThingMade(Event):
    type: ClassVar[str] = "thing_made"
    aggregate: ClassVar[str] = "thing_id"
    thing_id: str
    number: int = 0


class World:
    """A database, its outbox and its inbox, whichever they are."""

    def __init__(self, database, outbox_class, inbox_class):
        self.submitted = []
        self.database = database
        self.outbox = outbox_class(database, lambda store, fresh: self.submitted.extend(fresh))
        self.inbox = inbox_class(database)

    def append(self, *events, version=1):
        self.database.transaction(lambda: self.outbox.append(events, version))

    def unpublished(self):
        return self.outbox.unpublished(datetime.now(UTC) + timedelta(seconds=1), 100)


@pytest.fixture(params=["mongo", "sql"])
def world(request):
    if request.param == "mongo":
        own = World(request.getfixturevalue("mongo"), MongoOutbox, MongoInboxStore)
        own.outbox.ensure_indexes()
        own.inbox.ensure_indexes()
        return own
    return World(request.getfixturevalue("chassis_sql"), SqlOutbox, SqlInboxStore)


def event(event_id):
    return ReceivedEvent(event_id, "x", "y", datetime.now(UTC), "s", 1, {})


def test_events_wait_until_they_are_marked_as_published(world):
    world.append(ThingMade(thing_id="a"), ThingMade(thing_id="a", number=1))

    waiting = world.unpublished()
    world.outbox.mark_published([waiting[0].id])

    assert [record.id for record in world.unpublished()] == [waiting[1].id]


def test_the_relay_hears_of_events_after_the_commit_alone(world):
    def work():
        world.outbox.append([ThingMade(thing_id="a")], 1)
        assert world.submitted == []

    world.database.transaction(work)

    assert [record.data for record in world.submitted] == [{"thing_id": "a", "number": 0}]


def test_a_transaction_that_fails_leaves_no_event(world):
    def work():
        world.outbox.append([ThingMade(thing_id="a")], 1)
        raise LookupError

    with pytest.raises(LookupError):
        world.database.transaction(work)

    assert world.unpublished() == []
    assert world.submitted == []


def test_two_writers_of_one_version_collide(world):
    world.append(ThingMade(thing_id="a"), version=1)

    with pytest.raises(Exception, match=r"(?i)duplicate"):
        world.append(ThingMade(thing_id="a"), version=1)


def test_the_history_of_an_aggregate_is_its_events_in_order(world):
    world.append(ThingMade(thing_id="a"), version=1)
    world.append(ThingMade(thing_id="a", number=2), ThingMade(thing_id="a", number=3), version=2)
    world.append(ThingMade(thing_id="b"), version=1)

    history = world.outbox.history("a")
    rest = world.outbox.history("a", after=(2, 0), limit=5)

    assert [row["data"]["number"] for row in history] == [0, 2, 3]
    assert [row["data"]["number"] for row in rest] == [3]


def test_an_event_is_given_to_a_consumer_once(world):
    given = []

    for _ in range(2):
        world.inbox.once("consumer", [event("e1"), event("e2")], lambda new: given.extend(e.id for e in new))
    world.inbox.once("consumer", [event("e2"), event("e3")], lambda new: given.extend(e.id for e in new))

    assert sorted(given) == ["e1", "e2", "e3"]


def test_each_consumer_is_given_the_event(world):
    given = []

    world.inbox.once("one", [event("e1")], lambda new: given.append("one"))
    world.inbox.once("two", [event("e1")], lambda new: given.append("two"))

    assert given == ["one", "two"]


def test_a_consumer_that_failed_is_given_the_event_again(world):
    def fail(new):
        raise LookupError

    with pytest.raises(LookupError):
        world.inbox.once("consumer", [event("e1")], fail)
    given = []
    world.inbox.once("consumer", [event("e1")], lambda new: given.extend(new))

    assert len(given) == 1


def test_many_writers_at_once_all_get_through(world):
    import eventlet

    pool = eventlet.GreenPool(20)

    list(pool.imap(lambda n: world.append(ThingMade(thing_id=f"t{n}")), range(40)))

    assert len(world.unpublished()) == 40


def test_the_backlog_is_what_is_not_published_by_type(world):
    world.append(ThingMade(thing_id="a"), ThingMade(thing_id="a", number=1))
    first, second = world.unpublished()
    world.outbox.mark_published([first.id])

    [backlog] = world.outbox.backlog()

    assert (backlog.type, backlog.count, backlog.oldest) == ("thing_made", 1, second.time)


def test_an_event_keeps_who_caused_it_and_in_which_session(world):
    with context.of_many():
        context.enter(CallContext(actor="adm_ada", session="ses_ada", request_id="req_1"))
        world.append(ThingMade(thing_id="a"))

    [record] = world.unpublished()
    assert (record.actor, record.session, record.request_id) == ("adm_ada", "ses_ada", "req_1")


def test_a_table_of_before_gets_the_column_that_it_lacks_once(chassis_sql):
    def of_before():
        chassis_sql.connection.execute(sa.text("ALTER TABLE events DROP COLUMN session"))

    chassis_sql.transaction(of_before)
    for _ in range(2):
        chassis_sql.transaction(lambda: complete_chassis_tables(chassis_sql.connection))

    outbox = SqlOutbox(chassis_sql, lambda store, fresh: None)
    chassis_sql.transaction(lambda: outbox.append([ThingMade(thing_id="a")], 1))
    [record] = outbox.unpublished(datetime.now(UTC) + timedelta(seconds=1), 9)
    assert record.session is None
