from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from chassis.event import Event
from chassis.mongo import Mongo, MongoOutbox
from chassis.sql import SqlOutbox
from compose.operations import outbox


@dataclass(frozen=True, kw_only=True)
class AssetReady(Event):
    type: ClassVar[str] = "asset_ready"
    aggregate: ClassVar[str] = "asset_id"
    asset_id: str


@dataclass(frozen=True, kw_only=True)
class AssetRefused(Event):
    type: ClassVar[str] = "asset_refused"
    aggregate: ClassVar[str] = "asset_id"
    asset_id: str


@pytest.fixture
def access(access, sql_for):
    """Payment alone is kept in PostgreSQL."""
    return replace(access, database_urls={"payment": sql_for.url("payment")})


@pytest.fixture(params=["asset", "payment"])
def stored(request, access, sql_for):
    """stored(*events): events in the outbox of a service; `stored.service` is kept in either database."""
    service = request.param
    database = (
        sql_for(service)
        if service in access.database_urls
        else Mongo(access.mongo_uri, f"{access.database_prefix}{service}")
    )
    kind = SqlOutbox if service in access.database_urls else MongoOutbox
    own = kind(database, lambda store, fresh: None)

    def store(*events):
        database.transaction(lambda: own.append(events, 1))

    store.service = service
    store.outbox = own
    yield store
    if service not in access.database_urls:
        database.drop()
    database.close()


def of(access, service):
    [found] = outbox.overview(access, service)["outboxes"]
    return found


def test_an_outbox_whose_events_are_all_published_is_empty(access, stored):
    stored(AssetReady(asset_id="a"))
    [record] = stored.outbox.unpublished(datetime.now(UTC) + timedelta(seconds=1), 10)
    stored.outbox.mark_published([record.id])

    found = of(access, stored.service)

    assert (found["unpublished"], found["unroutable"], found["oldest_seconds"]) == (0, 0, None)


def test_unpublished_events_are_counted_by_type_with_the_age_of_the_oldest(access, stored):
    stored(AssetReady(asset_id="a"), AssetRefused(asset_id="a"))
    stored(AssetReady(asset_id="b"))

    found = of(access, stored.service)

    assert found["types"] == {"asset_ready": 2, "asset_refused": 1}
    assert found["unpublished"] == 3
    assert 0 <= found["oldest_seconds"] < 60


def test_an_event_to_which_no_queue_is_bound_is_unroutable(access, stored, handler):
    if stored.service == "asset":
        handler("campaign", "on_asset")
    stored(AssetReady(asset_id="a"), AssetRefused(asset_id="a"))

    assert of(access, stored.service)["unroutable"] == (1 if stored.service == "asset" else 2)


def test_a_database_that_is_gone_is_named_and_the_others_are_shown(access):
    found = outbox.overview(
        replace(access, database_urls={"payment": "postgresql+psycopg2://127.0.0.1:1/x"}), ""
    )

    assert len(found["outboxes"]) == 8
    assert found["errors"] == ["payment: its database (PostgreSQL) does not answer (ServiceUnavailable)."]


def test_without_the_broker_the_backlog_is_told_all_the_same(access, stored):
    stored(AssetReady(asset_id="a"))

    found = outbox.overview(replace(access, api_uri="http://x:y@127.0.0.1:1"), stored.service)

    [told] = found["outboxes"]
    assert (told["unpublished"], told["unroutable"]) == (1, None)
    assert "The broker does not answer" in found["errors"][0]
