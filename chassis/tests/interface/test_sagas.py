import time
from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import Conflict, ServiceUnavailable
from chassis.testing import eventually
from chassis.tests.interface.sample import SampleService


@pytest.fixture
def service(run_service):
    return run_service(SampleService)


def notes(rpc, kind):
    return rpc("asset").notes({"kind": kind})["notes"]


def test_a_saga_does_its_steps_and_keeps_what_they_return(service, rpc, stub_service):
    stub_service("payment", answer=lambda request: "receipt")

    trip = rpc("asset").begin({"key": "rome"})

    assert trip["status"] == "done"
    assert trip["data"] == {"key": "rome", "booked": True, "paid": "receipt"}


def test_a_final_error_takes_back_what_was_done(service, rpc, stub_service):
    def refuse(request):
        raise Conflict("no money")

    stub_service("payment", answer=refuse)

    trip = rpc("asset").begin({"key": "rome"})

    assert trip["status"] == "compensated"
    assert trip["error"]["code"] == "conflict"
    assert notes(rpc, "unbook") == [trip["id"]]


def test_a_step_whose_service_is_away_is_tried_until_it_is_back(service, rpc, stub_service):
    answers = iter([ServiceUnavailable("away"), ServiceUnavailable("away"), None])

    def answer(request):
        error = next(answers)
        if error:
            raise error
        return "at last"

    stub_service("payment", answer=answer)

    trip = rpc("asset").begin({"key": "rome"})

    assert (trip["status"], trip["data"]["paid"]) == ("done", "at last")


def test_starting_a_running_saga_again_finds_the_running_one(service, rpc, stub_service):
    def hang(request):
        time.sleep(1)
        return "slow"

    stub_service("payment", answer=hang)
    import eventlet

    first = eventlet.spawn(lambda: rpc("asset").begin({"key": "rome"}))
    second = eventlet.spawn(lambda: rpc("asset").begin({"key": "rome"}))

    assert first.wait()["id"] == second.wait()["id"]
    assert len(notes(rpc, "book")) == 1


def test_a_saga_whose_process_died_is_resumed_where_it_stood(
    run_service, rpc, stub_service, settings_env, database_prefix
):
    from chassis.mongo import Mongo, MongoSagaStore
    from chassis.saga_steps import SagaState

    payment = stub_service("payment", answer=lambda request: "receipt")
    mongo = Mongo(settings_env["MONGO_URI"], f"{database_prefix}asset")
    store = MongoSagaStore(mongo)
    store.ensure_indexes()
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    store.create(SagaState("saga_x", "trip", "rome", {"key": "rome"}), long_ago)
    died = store.lease("trip", datetime.now(UTC), datetime.now(UTC) + timedelta(seconds=0.5), "dead")
    died.step, died.data = 1, {"key": "rome", "booked": True}
    store.save(died, "dead", datetime.now(UTC) + timedelta(seconds=0.5))

    run_service(SampleService)

    eventually(lambda: store.get("saga_x").status == "done")
    assert notes(rpc, "book") == []
    assert len(payment.calls["answer"]) == 1
    mongo.close()
