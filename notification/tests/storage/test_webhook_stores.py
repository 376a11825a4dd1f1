"""One suite for the fakes of webhooks and for MongoDB."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from chassis.crypto import SecretBox
from notification.domain.webhooks import (
    MOST_ENDPOINTS,
    PARKED,
    PENDING,
    Attempt,
    ConcurrentUpdate,
    TooManyEndpoints,
)
from notification.storage import MongoWebhookEndpoints, MongoWebhookMessages
from notification.tests.fakes import MemoryWebhookEndpoints, MemoryWebhookMessages
from notification.tests.mothers import ACME, NOON, OTHER_SECRET, SECRET, a_message, an_endpoint

KEY = "k" * 32
LATER = NOON + timedelta(minutes=1)


@dataclass
class Stores:
    endpoints: Any
    messages: Any
    events: list[Any]


def in_mongo(mongo: Any, outbox: Any) -> Stores:
    endpoints = MongoWebhookEndpoints(mongo, outbox, SecretBox(KEY))
    messages = MongoWebhookMessages(mongo, outbox)
    endpoints.ensure_indexes()
    messages.ensure_indexes()
    return Stores(endpoints, messages, outbox.events)


@pytest.fixture(params=["memory", "mongodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        endpoints = MemoryWebhookEndpoints()
        return Stores(endpoints, MemoryWebhookMessages(), endpoints.events)
    return in_mongo(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))


def stored(stores: Stores, number: int = 1, **changes: Any) -> Any:
    endpoint = an_endpoint(number, **changes)
    stores.endpoints.add(endpoint, endpoint.created())
    return endpoint


def test_an_endpoint_is_found_as_it_was_saved(stores: Stores) -> None:
    endpoint = stored(stores, topics=("campaign.approved",))
    events = endpoint.rotate(OTHER_SECRET, NOON)
    endpoint.failing_since = NOON

    stores.endpoints.save(endpoint, events)

    found = stores.endpoints.get("whe_001")
    assert found == endpoint
    assert (found.secret, found.former_secret, found.version) == (OTHER_SECRET, SECRET, 2)
    assert stores.endpoints.get("whe_002") is None
    assert [event.type for event in stores.events] == ["webhook_endpoint_created", "webhook_secret_rotated"]


def test_two_who_change_an_endpoint_at_once_do_not_overwrite_each_other(stores: Stores) -> None:
    stored(stores)
    first, second = (stores.endpoints.get("whe_001") for _ in range(2))
    stores.endpoints.save(first, first.change(NOON, description="First"))

    with pytest.raises(ConcurrentUpdate):
        stores.endpoints.save(second, second.change(NOON, description="Second"))
    with pytest.raises(ConcurrentUpdate):
        stores.endpoints.delete(second, second.deleted())

    assert stores.endpoints.get("whe_001").description == "First"


def test_a_deleted_endpoint_is_gone(stores: Stores) -> None:
    endpoint = stored(stores)

    stores.endpoints.delete(endpoint, endpoint.deleted())

    assert stores.endpoints.get("whe_001") is None
    assert stores.events[-1].type == "webhook_endpoint_deleted"


def test_endpoints_are_listed_by_brand_newest_first(stores: Stores) -> None:
    for number in (1, 2, 3):
        stored(stores, number)
    stored(stores, 4, brand_id="brd_globex")

    ids = [one.id for one in stores.endpoints.of_brand(ACME, "whe_003", 10)]

    assert ids == ["whe_002", "whe_001"]
    assert [one.id for one in stores.endpoints.of_brand(ACME, None, 1)] == ["whe_003"]


def test_a_brand_has_no_more_endpoints_than_it_may(stores: Stores) -> None:
    for number in range(MOST_ENDPOINTS):
        stored(stores, number)

    with pytest.raises(TooManyEndpoints):
        stored(stores, MOST_ENDPOINTS)

    stored(stores, MOST_ENDPOINTS, brand_id="brd_globex")


def test_subscribers_are_those_who_are_enabled_and_want_it(stores: Stores) -> None:
    stored(stores, 1)
    stored(stores, 2, topics=("campaign.approved", "asset.ready"))
    stored(stores, 3, topics=("asset.ready",))
    stored(stores, 4, enabled=False)
    stored(stores, 5, brand_id="brd_globex")

    assert sorted(stores.endpoints.subscribers(ACME, "campaign.approved")) == ["whe_001", "whe_002"]


def test_an_endpoint_has_one_message_of_an_event(stores: Stores) -> None:
    stores.messages.add(a_message(1, source_event="evt_same"))
    stores.messages.add(a_message(2, source_event="evt_same"))
    stores.messages.add(a_message(3, source_event="evt_same", endpoint_id="whe_002"))

    assert [one.id for one in stores.messages.of_endpoint("whe_001", None, None, 10)] == ["msg_001"]
    assert [one.id for one in stores.messages.of_endpoint("whe_002", None, None, 10)] == ["msg_003"]


def test_a_message_is_leased_saved_and_found_as_it_was(stores: Stores) -> None:
    stores.messages.add(a_message())
    message, token = stores.messages.lease(NOON, LATER)
    message.record(Attempt(NOON, 500, None, 12, 60), [timedelta(minutes=5)], 1.0)
    message.record(Attempt(NOON, None, "timeout", 15_000), [timedelta(minutes=5)] * 2, 1.0)

    stores.messages.save(message, token)

    assert stores.messages.get("whe_001", "msg_001") == message
    assert stores.messages.get("whe_002", "msg_001") is None


def test_a_message_that_is_taken_is_nobody_elses_until_its_lease_is_over(stores: Stores) -> None:
    stores.messages.add(a_message())
    first, token = stores.messages.lease(NOON, LATER)

    assert stores.messages.lease(LATER - timedelta(seconds=1), LATER) is None
    second, _ = stores.messages.lease(LATER, LATER + timedelta(minutes=1))
    first.park()
    stores.messages.save(first, token)

    assert second.id == first.id
    assert stores.messages.get("whe_001", "msg_001").status == PENDING


def test_a_lease_can_be_of_one_endpoint_or_of_none_of_some(stores: Stores) -> None:
    stores.messages.add(a_message(1, endpoint_id="whe_001", next_attempt_at=NOON - timedelta(minutes=2)))
    stores.messages.add(a_message(2, endpoint_id="whe_002", next_attempt_at=NOON - timedelta(minutes=1)))
    stores.messages.add(a_message(3, endpoint_id="whe_002"))
    stores.messages.add(a_message(4, endpoint_id="whe_003", next_attempt_at=LATER))

    other, _ = stores.messages.lease(NOON, LATER, except_of={"whe_001"})
    same, _ = stores.messages.lease(NOON, LATER, of="whe_002")

    assert (other.id, same.id) == ("msg_002", "msg_003")
    assert stores.messages.lease(NOON, LATER, of="whe_002") is None
    assert stores.messages.lease(NOON, LATER, except_of={"whe_001", "whe_002"}) is None


def test_a_dropped_message_is_gone_unless_the_lease_was_lost(stores: Stores) -> None:
    stores.messages.add(a_message())
    message, token = stores.messages.lease(NOON, LATER)

    stores.messages.drop(message, "another")
    assert stores.messages.get("whe_001", "msg_001") is not None
    stores.messages.drop(message, token)

    assert stores.messages.get("whe_001", "msg_001") is None


def test_messages_are_listed_newest_first_and_by_status(stores: Stores) -> None:
    for number in (1, 2, 3, 4):
        stores.messages.add(a_message(number, status=PARKED if number % 2 else PENDING))

    def listed(status: str | None, after: str | None) -> list[str]:
        return [one.id for one in stores.messages.of_endpoint("whe_001", status, after, 10)]

    assert listed(None, "msg_004") == ["msg_003", "msg_002", "msg_001"]
    assert listed(PARKED, None) == ["msg_003", "msg_001"]


def test_only_what_is_parked_is_made_due_again(stores: Stores) -> None:
    stores.messages.add(a_message(1, status=PARKED, tries=9))
    stores.messages.add(a_message(2, status=PARKED, tries=9))
    stores.messages.add(a_message(3, status="delivered", tries=1))
    stores.messages.add(a_message(4, status=PARKED, endpoint_id="whe_002"))

    assert stores.messages.replay("whe_001", "msg_003", LATER) == 0
    assert stores.messages.replay("whe_002", "msg_001", LATER) == 0
    assert stores.messages.replay("whe_001", "msg_001", LATER) == 1
    assert stores.messages.replay("whe_001", None, LATER) == 1

    found = stores.messages.get("whe_001", "msg_001")
    assert (found.status, found.tries, found.next_attempt_at) == (PENDING, 0, LATER)


def test_secrets_are_encrypted_where_they_are_kept(mongo: Any, outbox: Any) -> None:
    stores = in_mongo(mongo, outbox)
    endpoint = stored(stores)
    stores.endpoints.save(endpoint, endpoint.rotate(OTHER_SECRET, NOON))

    kept = str(list(mongo["webhook_endpoints"].find()))

    assert SECRET not in kept
    assert OTHER_SECRET not in kept
    assert "whsec_" not in kept


def test_endpoints_that_are_made_at_once_stay_below_the_limit(mongo: Any, outbox: Any) -> None:
    stores = in_mongo(mongo, outbox)
    for number in range(MOST_ENDPOINTS - 1):
        stored(stores, number)

    def attempt(number: int) -> None:
        with suppress(TooManyEndpoints):
            stored(stores, number)

    threads = [Thread(target=attempt, args=(50 + number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(stores.endpoints.of_brand(ACME, None, 100)) == MOST_ENDPOINTS
