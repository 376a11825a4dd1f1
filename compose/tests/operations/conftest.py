import os
from datetime import UTC, datetime

import amqp
import pytest

from chassis.amqp import Link
from chassis.events.cloudevents import envelope
from chassis.events.publisher import ConfirmedPublisher, Outgoing
from chassis.events.topology import Names, declare_handler, declare_shared
from chassis.ids import new_id
from chassis.testing.fixtures import *
from compose.operations.access import Access


@pytest.fixture
def access(broker, database_prefix, tmp_path):
    """A platform of this test's own, without a service that runs."""
    return Access(
        amqp_uri=broker.uri("operator"),
        api_uri=os.environ["RABBITMQ_API_URI"],
        vhost=broker.vhost,
        mongo_uri=os.environ["MONGO_URI"],
        database_urls={},
        lock=tmp_path / "operations.lock",
        database_prefix=database_prefix,
    )


AT_ONCE = 500


class Handler:
    """A handler's queue as its service declares it, and what that service would do to it."""

    def __init__(self, broker, service, method):
        self.broker, self.service = broker, service
        self.queue = Names(service).handler_queue(method)
        connection = self._connect()
        declare_shared(connection, Names(service), [1.0])
        declare_handler(connection, Names(service), method, [("asset", "asset_ready")])
        connection.close()
        self._publisher = ConfirmedPublisher(broker.uri(service), service)

    def give_up(self, body=None, *, event_id="", reason="RuntimeError: poison"):
        """Bury an event as the service's undertaker does; its id."""
        event_id = event_id or new_id("evt")
        self._publisher.publish_one(self._given_up(event_id, body or an_event(event_id), reason))
        return event_id

    def give_up_many(self, count):
        body = an_event("evt_one_of_many")
        letters = [self._given_up(f"evt_{number}", body, "RuntimeError: poison") for number in range(count)]
        for start in range(0, count, AT_ONCE):
            batch = letters[start : start + AT_ONCE]
            assert len(self._publisher.publish(batch, timeout=30).confirmed) == len(batch)

    def _given_up(self, event_id, body, reason):
        headers = {"x-queue": self.queue, "x-reason": reason, "x-attempt": 4}
        return Outgoing(event_id, Names(self.service).dead_letters, "", body, headers)

    def waiting(self):
        return self.broker.depth(self.queue)

    def delete_queue(self):
        connection = self._connect()
        connection.channel().queue_delete(self.queue)
        connection.close()

    def close(self):
        self._publisher.close()

    def _connect(self) -> amqp.Connection:
        return Link(self.broker.uri("operator"), "test", lambda connection: None).connect_once()


@pytest.fixture
def handler(broker):
    """handler(service, method): that handler's queue, bound and empty."""
    handlers = []

    def make(service, method):
        handlers.append(Handler(broker, service, method))
        return handlers[-1]

    yield make
    for made in handlers:
        made.close()


def an_event(event_id, type="asset_ready"):
    return envelope(
        id=event_id,
        service="asset",
        type=type,
        version=1,
        subject="ast_1",
        time=datetime.now(UTC),
        data={"asset_id": "ast_1"},
    )
