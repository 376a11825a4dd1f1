"""One contract for every store of sagas."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import NotFound
from chassis.mongo import MongoSagaStore
from chassis.saga import NEVER, Sagas
from chassis.saga_steps import DONE, STUCK, SagaState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=20)


@pytest.fixture(params=["mongo", "sql"])
def store(request):
    if request.param == "mongo":
        own = MongoSagaStore(request.getfixturevalue("mongo"))
        own.ensure_indexes()
        return own
    from chassis.sql import SqlSagaStore

    return SqlSagaStore(request.getfixturevalue("chassis_sql"))


def rome(saga_id="saga_1"):
    return SagaState(saga_id, "trip", "rome", {"guests": 2})


def test_a_saga_is_found_as_it_was_stored(store):
    store.create(rome(), NOW)

    assert store.get("saga_1") == rome()


def test_an_unknown_saga_is_not_found(store):
    with pytest.raises(NotFound):
        store.get("saga_none")


def test_only_one_saga_runs_for_a_key(store):
    store.create(rome("saga_1"), NOW)

    assert store.create(rome("saga_2"), NOW) == "saga_1"


def test_who_starts_a_saga_alone_is_told_that_another_one_runs(store):
    sagas = Sagas(store, lambda hook: hook())

    first = sagas.start_alone("parcel", "p1", {"to": "north"})

    assert sagas.get(first).data == {"to": "north"}
    assert sagas.start_alone("parcel", "p1", {"to": "south"}) is None
    assert sagas.start("parcel", "p1", {}) == first


def test_a_finished_saga_makes_room_for_a_new_one(store):
    store.create(rome("saga_1"), NOW)
    first = store.lease("trip", NOW, LATER, "token")
    first.status = DONE
    store.save(first, "token", None)

    assert store.create(rome("saga_2"), NOW) == "saga_2"
    assert store.get("saga_1").status == DONE


def test_a_due_saga_is_leased_once(store):
    store.create(rome(), NOW)

    assert store.lease("trip", NOW, LATER, "mine").id == "saga_1"
    assert store.lease("trip", NOW, LATER, "yours") is None


def test_a_lease_that_ran_out_can_be_taken_over_and_the_old_holder_saves_nothing(store):
    store.create(rome(), NOW)
    mine = store.lease("trip", NOW, LATER, "mine")
    store.lease("trip", LATER, LATER + timedelta(seconds=20), "yours")
    mine.step = 1

    assert store.save(mine, "mine", LATER) is False
    assert store.get("saga_1").step == 0


def test_a_lease_that_is_renewed_is_not_taken_over(store):
    store.create(rome(), NOW)
    store.lease("trip", NOW, LATER, "mine")

    assert store.renew("saga_1", "mine", LATER + timedelta(seconds=20)) is True
    assert store.lease("trip", LATER, LATER + timedelta(seconds=40), "yours") is None


def test_a_lease_that_was_lost_is_not_renewed(store):
    store.create(rome(), NOW)
    store.lease("trip", NOW, LATER, "mine")
    store.lease("trip", LATER, LATER + timedelta(seconds=20), "yours")

    assert store.renew("saga_1", "mine", LATER + timedelta(seconds=90)) is False


def test_a_saga_of_another_type_is_left_alone(store):
    store.create(rome(), NOW)

    assert store.lease("walk", NOW, LATER, "token") is None


def test_a_saga_is_not_due_before_its_time(store):
    store.create(rome(), LATER)

    assert store.lease("trip", NOW, LATER, "token") is None


def test_sagas_are_listed_by_status(store):
    store.create(rome(), NOW)

    assert [saga.id for saga in store.list("running")] == ["saga_1"]
    assert store.list("done") == []


def test_sagas_are_counted_by_status(store):
    store.create(rome(), NOW)

    assert store.count() == {"running": 1}


def test_a_saga_whose_step_failed_is_leased_by_nobody_while_it_waits(store):
    store.create(rome(), NOW)
    mine = store.lease("trip", NOW, LATER, "mine")
    mine.attempts = 1
    store.save(mine, "mine", LATER)

    assert store.renew("saga_1", "mine", LATER + timedelta(seconds=20)) is False
    assert store.lease("trip", LATER, LATER + timedelta(seconds=20), "yours").attempts == 1


def test_the_wait_of_a_saga_is_ended(store):
    store.create(rome(), NOW)
    mine = store.lease("trip", NOW, LATER, "mine")
    mine.attempts = 1
    store.save(mine, "mine", LATER)

    assert store.make_due("saga_1", NOW) is True
    assert store.get("saga_1").next_at == NOW


def test_a_saga_that_is_leased_or_finished_has_no_wait_to_end(store):
    store.create(rome("saga_1"), NOW)
    mine = store.lease("trip", NOW, LATER, "mine")

    assert store.make_due("saga_1", NOW) is False
    mine.status = DONE
    store.save(mine, "mine", None)
    assert store.make_due("saga_1", NOW) is False


def stuck(store):
    store.create(rome(), NOW)
    mine = store.lease("trip", NOW, LATER, "mine")
    mine.status, mine.attempts = STUCK, 240
    store.save(mine, "mine", NEVER)


def test_a_stuck_saga_is_not_due_and_keeps_its_key(store):
    stuck(store)

    assert store.lease("trip", NOW + timedelta(days=3_650), LATER, "yours") is None
    assert store.create(rome("saga_2"), NOW) == "saga_1"
    assert [saga.next_at for saga in store.list(STUCK)] == [NEVER]


def test_a_stuck_saga_can_be_made_due(store):
    stuck(store)

    assert store.make_due("saga_1", NOW) is True
    assert store.lease("trip", NOW, LATER, "yours").status == STUCK
