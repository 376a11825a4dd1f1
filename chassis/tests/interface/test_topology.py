"""What the broker says of the queues that a service declares: without these settings something gets lost."""

import pytest

from chassis.amqp import Link
from chassis.events.topology import DELIVERY_LIMIT
from chassis.testing import eventually
from chassis.tests.interface.sample import SampleService

HANDLERS = ("asset.on_thing_happened", "asset.on_thing_counted")
DEAD_LETTERS = "asset.dead-letters"
A_MONTH_MS = 2_592_000_000


@pytest.fixture
def service(run_service):
    return run_service(SampleService)


@pytest.fixture
def queues(service, broker):
    return broker.queues()


@pytest.fixture
def channel(broker):
    """With the permissions of the service."""
    connection = Link(broker.uri("asset"), "test", lambda connection: None).connect_once()
    yield connection.channel()
    connection.close()


def delay_queues(queues):
    return {name: queue for name, queue in queues.items() if name.startswith("asset.delay.")}


def test_each_queue_that_holds_events_is_a_durable_quorum_queue(queues):
    found = {name: queue for name, queue in queues.items() if name.startswith("asset.")}

    assert set(found) == {*HANDLERS, DEAD_LETTERS, "asset.delay.100", "asset.delay.200"}
    assert {(queue["type"], queue["durable"]) for queue in found.values()} == {("quorum", True)}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handlers_queue_loses_nothing_when_it_is_full_and_lays_aside_what_it_cannot_deliver(queues, name):
    assert queues[name]["arguments"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 30,
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-max-length": 1_000_000,
    }


def test_a_delay_queue_lets_a_message_out_for_certain(queues):
    for name, queue in delay_queues(queues).items():
        assert queue["arguments"] == {
            "x-queue-type": "quorum",
            "x-message-ttl": int(name.rpartition(".")[2]),
            "x-dead-letter-exchange": "asset.retry",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }


def test_dead_letters_are_kept_for_a_month(queues):
    assert queues[DEAD_LETTERS]["arguments"] == {"x-queue-type": "quorum", "x-message-ttl": A_MONTH_MS}


def test_a_message_that_is_given_back_too_often_becomes_a_dead_letter(
    service, broker, channel, publish_event
):
    service.stop()
    publish_event("payment", "thing_happened", {"key": "a"})

    for _ in range(DELIVERY_LIMIT + 1):
        [message] = eventually(lambda: [found] if (found := channel.basic_get(HANDLERS[0])) else None)
        channel.basic_reject(message.delivery_tag, requeue=True)

    eventually(lambda: broker.depth(DEAD_LETTERS) == 1)
    assert broker.depth(HANDLERS[0]) == 0
