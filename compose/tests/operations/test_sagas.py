from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.mongo import Mongo, MongoSagaStore
from chassis.saga import NEVER
from chassis.saga_steps import DONE, STUCK, SagaState
from chassis.sql import SqlSagaStore
from compose.errors import ComposeError
from compose.operations import sagas

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def access(access, sql_for):
    """Payment alone is kept in PostgreSQL."""
    return replace(access, database_urls={"payment": sql_for.url("payment")})


@pytest.fixture(params=["campaign", "payment"])
def kept(request, access, sql_for):
    """A service's sagas, in either database."""
    if request.param in access.database_urls:
        own = Kept(request.param, SqlSagaStore(sql_for(request.param)))
        yield own
        return
    mongo = Mongo(access.mongo_uri, f"{access.database_prefix}{request.param}")
    yield Kept(request.param, MongoSagaStore(mongo))
    mongo.drop()
    mongo.close()


class Kept:
    def __init__(self, service, store):
        self.service, self.store = service, store

    def started(self, saga_id="saga_1"):
        self.store.create(SagaState(saga_id, "trip", saga_id, {"guests": 2}), NOW)
        return saga_id

    def worked_on(self, saga_id="saga_1"):
        self.started(saga_id)
        return self.store.lease("trip", NOW, LATER, "token")

    def waiting(self, saga_id="saga_1"):
        """Its step failed, and it is tried again later."""
        state = self.worked_on(saga_id)
        state.attempts = 3
        state.log = [{"step": "book", "way": "do", "outcome": "failed: ServiceUnavailable", "at": "today"}]
        self.store.save(state, "token", LATER)
        return saga_id

    def stuck(self, saga_id="saga_1"):
        state = self.worked_on(saga_id)
        state.status, state.attempts = STUCK, 240
        self.store.save(state, "token", NEVER)
        return saga_id

    def finished(self, saga_id="saga_1"):
        state = self.worked_on(saga_id)
        state.status = DONE
        self.store.save(state, "token", None)
        return saga_id


def test_unfinished_sagas_are_listed_and_all_are_counted(access, kept):
    kept.finished("saga_1")
    kept.waiting("saga_2")

    found = sagas.overview(access, kept.service, "", 10)

    assert [saga["id"] for saga in found["sagas"]] == ["saga_2"]
    assert found["counts"] == {kept.service: {"done": 1, "running": 1}}


def test_sagas_are_listed_by_status(access, kept):
    kept.finished("saga_1")
    kept.waiting("saga_2")

    found = sagas.overview(access, "", "done", 10)

    assert [(saga["service"], saga["id"]) for saga in found["sagas"]] == [(kept.service, "saga_1")]


def test_a_saga_is_shown_with_its_data_and_what_it_went_through(access, kept):
    found = sagas.show(access, kept.service, kept.waiting())

    assert (found["data"], found["attempts"]) == ({"guests": 2}, 3)
    assert found["log"][-1]["outcome"] == "failed: ServiceUnavailable"
    assert "failed: ServiceUnavailable" in sagas.in_full(found)


def test_a_saga_that_waits_is_due_at_once(access, kept):
    saga_id = kept.waiting()
    assert kept.store.lease("trip", datetime.now(UTC), LATER, "early") is None

    assert sagas.retry(access, kept.service, saga_id)["retried"] == [saga_id]

    assert kept.store.lease("trip", datetime.now(UTC), LATER, "now").id == saga_id


def test_a_stuck_saga_is_listed_and_tried_again_on_demand(access, kept):
    saga_id = kept.stuck()

    listed = sagas.overview(access, kept.service, "", 10)
    assert sagas.retry(access, kept.service, saga_id)["retried"] == [saga_id]

    assert [(saga["id"], saga["status"]) for saga in listed["sagas"]] == [(saga_id, STUCK)]
    assert "1 stuck" in sagas.as_text(listed)
    assert kept.store.lease("trip", datetime.now(UTC), LATER, "now").id == saga_id


def test_retrying_twice_is_like_retrying_once(access, kept):
    saga_id = kept.waiting()

    for _ in range(2):
        sagas.retry(access, kept.service, saga_id)

    assert kept.store.lease("trip", datetime.now(UTC), LATER, "one").id == saga_id
    assert kept.store.lease("trip", datetime.now(UTC), LATER, "two") is None


def test_a_saga_is_not_taken_from_who_works_on_it(access, kept):
    state = kept.worked_on()

    assert sagas.retry(access, kept.service, state.id)["not_waiting"] == [state.id]

    assert kept.store.lease("trip", datetime.now(UTC), LATER, "thief") is None
    assert kept.store.save(state, "token", LATER) is True


def test_a_finished_saga_stays_finished(access, kept):
    saga_id = kept.finished()

    assert sagas.retry(access, kept.service, saga_id)["not_waiting"] == [saga_id]

    assert kept.store.get(saga_id).status == DONE
    assert kept.store.lease("trip", datetime.now(UTC) + timedelta(days=1), LATER, "token") is None


def test_all_that_wait_are_retried(access, kept):
    waiting = {kept.waiting("saga_1"), kept.waiting("saga_2")}
    kept.worked_on("saga_3")

    result = sagas.retry(access, "", None)

    assert set(result["retried"]) == waiting
    assert result["not_waiting"] == ["saga_3"]


def test_an_unknown_saga_is_a_sentence(access):
    for command in (sagas.show, sagas.retry):
        with pytest.raises(ComposeError, match="brand has no saga saga_x; 'sagas list brand' shows"):
            command(access, "brand", "saga_x")
