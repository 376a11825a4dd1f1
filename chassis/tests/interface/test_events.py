import uuid

import amqp
import pytest
from amqp.basic_message import Message
from nameko.containers import ServiceContainer
from nameko.events import event_handler as stock_event_handler

from chassis.events.dead_letters import DeadLetterQueue
from chassis.events.topology import BY_ADMIN
from chassis.testing import eventually
from chassis.tests.interface import sample
from chassis.tests.interface.sample import SampleService


@pytest.fixture
def service(run_service):
    return run_service(SampleService)


@pytest.fixture
def letters(broker):
    return DeadLetterQueue(broker.uri("operator"), "asset")


def notes(rpc, kind):
    return sorted(rpc("asset").notes({"kind": kind})["notes"])


def test_an_event_is_published_when_its_state_is_committed(service, rpc, capture_events):
    captured = capture_events("asset")

    rpc("asset").make({"thing_id": "one"})

    event = captured.wait_for("thing_made")
    assert (event.source, event.subject, event.data, event.version) == (
        "asset",
        "one",
        {"thing_id": "one"},
        1,
    )


def test_what_an_administrator_causes_reaches_whoever_listens_for_that_once(
    service, rpc, capture_events, tokens
):
    acts, everything = capture_events("asset", BY_ADMIN), capture_events("asset", BY_ADMIN, "#")
    ada = tokens.issue("admin", "adm_ada", session_id="ses_ada")
    acting_as_acme = tokens.issue(
        "brand", "brd_acme", session_id="sup_1", act={"sub": "adm_ada", "kind": "admin"}
    )
    acme = tokens.issue("brand", "brd_acme", session_id="ses_acme")

    for thing_id, token in (("by-ada", ada), ("as-acme", acting_as_acme), ("by-acme", acme)):
        rpc("asset", token=token).make_in_person({"thing_id": thing_id})
    rpc("asset").make({"thing_id": "by-nobody"})

    eventually(lambda: len(everything.all()) == 4)
    found = {event.subject: (event.actor, event.session) for event in everything.all()}
    assert found == {
        "by-ada": ("adm_ada", "ses_ada"),
        "as-acme": ("adm_ada", "sup_1"),
        "by-acme": ("brd_acme", "ses_acme"),
        "by-nobody": ("service:gateway", None),
    }
    assert sorted(event.subject for event in acts.all()) == ["as-acme", "by-ada"]
    assert {event.type for event in acts.all()} == {"thing_made"}
    assert all(event.request_id.startswith("test-") for event in acts.all())


def test_an_event_without_a_queue_is_kept_and_published_when_there_is_one(service, rpc, capture_events):
    rpc("asset").make({"thing_id": "early"})

    captured = capture_events("asset")

    assert captured.wait_for("thing_made", deadline=10).data == {"thing_id": "early"}


def test_what_a_crash_left_behind_is_published_by_the_next_process(
    run_service, rpc, capture_events, settings_env, database_prefix
):
    from datetime import UTC, datetime, timedelta

    from chassis.events.outbox import records
    from chassis.mongo import Mongo, _document, _note
    from chassis.tests.interface.sample import ThingMade

    mongo = Mongo(settings_env["MONGO_URI"], f"{database_prefix}asset")
    [record] = records([ThingMade(thing_id="orphan")], 1)
    mongo["events"].insert_one(_document(record))
    mongo["unpublished"].insert_one(_note([record]) | {"at": datetime.now(UTC) - timedelta(minutes=1)})
    captured = capture_events("asset")

    run_service(SampleService)

    assert captured.wait_for("thing_made").data == {"thing_id": "orphan"}
    eventually(lambda: mongo["unpublished"].count_documents({}) == 0)
    mongo.close()


def test_an_event_is_handled(service, rpc, publish_event):
    publish_event("payment", "thing_happened", {"key": "a"})

    eventually(lambda: notes(rpc, "single") == ["a"])


def test_an_event_that_arrives_twice_is_handled_once(service, rpc, publish_event):
    publish_event("payment", "thing_happened", {"key": "a"}, id="same")
    publish_event("payment", "thing_happened", {"key": "a"}, id="same")
    publish_event("payment", "thing_happened", {"key": "b"})

    eventually(lambda: "b" in notes(rpc, "single"))
    assert notes(rpc, "single") == ["a", "b"]


def test_two_instances_share_the_events(run_service, rpc, publish_event):
    run_service(SampleService)
    run_service(SampleService)

    for number in range(20):
        publish_event("payment", "thing_happened", {"key": str(number)})

    eventually(lambda: notes(rpc, "single") == sorted(str(n) for n in range(20)))


def test_a_poison_event_is_given_up_with_its_reason_and_its_neighbours_are_handled(
    service, rpc, publish_event, letters
):
    poison = publish_event("payment", "thing_happened", {"key": "bad", "poison": True})
    for number in range(10):
        publish_event("payment", "thing_happened", {"key": str(number)})

    eventually(lambda: notes(rpc, "single") == sorted(str(n) for n in range(10)))
    [letter] = eventually(letters.list, deadline=10)
    assert (letter.id, letter.queue, letter.attempts) == (poison, "asset.on_thing_happened", 3)
    assert letter.reason == "RuntimeError: poison"


def test_what_a_failed_handler_wrote_is_taken_back(service, rpc, publish_event, letters):
    publish_event("payment", "thing_happened", {"key": "never", "refused": True})

    eventually(letters.list, deadline=10)
    assert notes(rpc, "single") == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"id": 5}', "application/json"),
        (b"pickle", "application/x-python-serialize"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_a_message_that_is_no_event_is_dead_lettered_at_once(
    service, rpc, broker, publish_event, letters, body, content_type
):
    _publish_raw(broker, body, content_type)

    [letter] = eventually(letters.list, deadline=10)
    publish_event("payment", "thing_happened", {"key": "after"})

    assert letter.reason.startswith("malformed")
    eventually(lambda: notes(rpc, "single") == ["after"])


def test_a_dead_letter_is_replayed(service, rpc, publish_event, letters):
    publish_event("payment", "thing_happened", {"key": "x", "poison": True}, id="first")
    eventually(letters.list, deadline=10)

    assert letters.replay("first") == 1

    eventually(lambda: letters.list() and letters.find("first")[0].attempts == 3, deadline=10)


def test_dead_letters_are_dropped_for_good(service, publish_event, letters):
    publish_event("payment", "thing_happened", {"key": "x", "poison": True}, id="first")
    eventually(letters.list, deadline=10)

    assert letters.drop() == 1
    assert letters.list() == []


def test_events_are_handled_in_batches(service, rpc, publish_event):
    for number in range(120):
        publish_event("payment", "thing_counted", {"key": f"{number:03}"})

    eventually(lambda: notes(rpc, "batch") == [f"{n:03}" for n in range(120)])


def test_batches_of_one_handler_follow_each_other(service, rpc, publish_event):
    sample.batches_begun.clear()
    sample.batches_ended.clear()

    for number in range(100):
        publish_event("payment", "thing_counted", {"key": f"{number:03}", "seconds": 0.2})

    eventually(lambda: notes(rpc, "batch") == [f"{n:03}" for n in range(100)])
    assert len(sample.batches_begun) > 1
    assert set(sample.batches_begun) == {0}


def test_a_batch_with_a_poison_event_is_split_so_that_the_others_are_handled(
    service, rpc, publish_event, letters
):
    publish_event("payment", "thing_counted", {"key": "bad", "poison": True})
    for number in range(10):
        publish_event("payment", "thing_counted", {"key": str(number)})

    eventually(lambda: notes(rpc, "batch") == sorted(str(n) for n in range(10)))
    eventually(lambda: [letter.queue for letter in letters.list()] == ["asset.on_thing_counted"], deadline=10)


def test_a_stock_nameko_service_subscribes_to_our_events(service, rpc, broker):
    seen.clear()
    container = ServiceContainer(StockSubscriber, {"AMQP_URI": broker.uri("operator")})
    container.start()

    rpc("asset").make({"thing_id": "for-everybody"})

    [event] = eventually(lambda: seen)
    container.stop()
    assert event["specversion"] == "1.0"
    assert event["data"] == {"thing_id": "for-everybody"}


def test_events_flow_again_after_every_connection_was_cut(service, rpc, publish_event, capture_events):
    captured = capture_events("asset")
    for extension in service.extensions:
        link = getattr(extension, "link", None) or getattr(
            getattr(extension, "publisher", None), "_link", None
        )
        if link is not None:
            link._drop()

    publish_event("payment", "thing_happened", {"key": "later"})
    eventually(lambda: rpc("asset").make({"thing_id": "later"}), deadline=10)

    eventually(lambda: notes(rpc, "single") == ["later"], deadline=10)
    captured.wait_for("thing_made", deadline=10)


seen: list = []


class StockSubscriber:
    name = "another_team"

    @stock_event_handler("asset", "thing_made")
    def on_thing_made(self, payload):
        seen.append(payload)


def _publish_raw(broker, body, content_type):
    from urllib.parse import urlsplit

    parts = urlsplit(broker.uri("payment"))
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=parts.username,
        password=parts.password,
        virtual_host=parts.path[1:],
        confirm_publish=True,
    )
    connection.connect()
    message = Message(body, content_type=content_type, delivery_mode=2, message_id=str(uuid.uuid4()))
    connection.channel().basic_publish(message, "payment.events", "thing_happened")
    connection.close()
