"""One suite for the fakes and for MongoDB and Redis."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from pymongo.errors import DuplicateKeyError

from notification.domain.notifications import LEASE, Choice, Preferences
from notification.storage.notifications import (
    MongoMailQueue,
    MongoNotifications,
    MongoPreferences,
    MongoRecipients,
    RedisUnreadCounts,
)
from notification.tests.fakes import (
    MemoryMailQueue,
    MemoryNotifications,
    MemoryPreferences,
    MemoryRecipients,
    MemoryUnreadCounts,
)
from notification.tests.mothers import ACME, NOON, NOVA, a_notification, acme, nova


@dataclass
class Stores:
    recipients: Any
    notifications: Any
    preferences: Any
    mails: Any
    events: list[Any]


def in_memory() -> Stores:
    mails = MemoryMailQueue()
    notifications = MemoryNotifications(mails)
    return Stores(MemoryRecipients(), notifications, MemoryPreferences(), mails, notifications.events)


def in_mongo(mongo: Any, outbox: Any) -> Stores:
    stores = Stores(
        MongoRecipients(mongo, outbox),
        MongoNotifications(mongo, outbox),
        MongoPreferences(mongo, outbox),
        MongoMailQueue(mongo, outbox),
        outbox.events,
    )
    for store in (stores.recipients, stores.notifications, stores.preferences, stores.mails):
        store.ensure_indexes()
    return stores


@pytest.fixture(params=["memory", "mongodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return in_memory()
    return in_mongo(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))


def tell(stores: Stores, number: int = 1, **changes: Any) -> None:
    notification = a_notification(number, **changes)
    stores.notifications.add(notification, notification.mail(), notification.created())


def test_a_recipient_is_found_as_it_was_saved(stores: Stores) -> None:
    stores.recipients.save(acme())

    assert stores.recipients.get(ACME) == acme()
    assert stores.recipients.get(NOVA) is None


def test_the_first_registration_of_an_account_stands(stores: Stores) -> None:
    stores.recipients.save(acme())

    stores.recipients.save(acme(email="mallory@acme.example"))

    assert stores.recipients.get(ACME) == acme()


def test_a_notification_is_found_as_it_was_added(stores: Stores) -> None:
    tell(stores)

    assert stores.notifications.get(ACME, "ntf_001") == a_notification()
    assert stores.notifications.get(NOVA, "ntf_001") is None


def test_one_event_is_told_once(stores: Stores) -> None:
    tell(stores, 1, source_event="evt_same")

    tell(stores, 2, source_event="evt_same")

    assert [item.id for item in stores.notifications.inbox(ACME, None, None, 10)] == ["ntf_001"]
    assert [event.aggregate_id for event in stores.events] == ["ntf_001"]
    assert stores.mails.lease(NOON, NOON + LEASE) is not None
    assert stores.mails.lease(NOON, NOON + LEASE) is None


def test_an_inbox_shows_its_owners_in_app_items_newest_first(stores: Stores) -> None:
    tell(stores, 1)
    tell(stores, 2, account_id=NOVA)
    tell(stores, 3, channels=("email",))
    tell(stores, 4)
    tell(stores, 5)

    ids = [item.id for item in stores.notifications.inbox(ACME, None, "ntf_005", 10)]

    assert ids == ["ntf_004", "ntf_001"]


def test_what_is_read_is_told_apart(stores: Stores) -> None:
    tell(stores, 1)
    tell(stores, 2)
    read = stores.notifications.get(ACME, "ntf_001")
    stores.notifications.save(read, read.mark_read(NOON))

    unread = [item.id for item in stores.notifications.inbox(ACME, True, None, 10)]

    assert unread == ["ntf_002"]
    assert [item.read_at for item in stores.notifications.inbox(ACME, False, None, 10)] == [NOON]
    assert stores.notifications.count_unread(ACME) == 1


def test_two_who_read_at_once_leave_one_event_and_the_first_time(stores: Stores) -> None:
    tell(stores, 1)
    first, second = (stores.notifications.get(ACME, "ntf_001") for _ in range(2))
    stores.notifications.save(first, first.mark_read(NOON))

    stores.notifications.save(second, second.mark_read(NOON + timedelta(seconds=1)))

    assert stores.notifications.get(ACME, "ntf_001").read_at == NOON
    assert [event.type for event in stores.events] == ["notification_created", "notification_read"]


def test_preferences_are_empty_until_chosen(stores: Stores) -> None:
    assert stores.preferences.get(ACME) == Preferences(ACME)


def test_chosen_preferences_replace_the_earlier_ones(stores: Stores) -> None:
    stores.preferences.save(Preferences(ACME, {"welcome": Choice("welcome", email=False)}))
    chosen = Preferences(ACME, {"asset_refused": Choice("asset_refused", in_app=False)})

    stores.preferences.save(chosen)

    assert stores.preferences.get(ACME) == chosen


def test_an_empty_queue_leases_nothing(stores: Stores) -> None:
    assert stores.mails.lease(NOON, NOON + LEASE) is None


def test_a_mail_is_not_due_before_its_time(stores: Stores) -> None:
    tell(stores, created_at=NOON + timedelta(seconds=1))

    assert stores.mails.lease(NOON, NOON + LEASE) is None


def test_a_leased_mail_is_nobody_elses_until_the_lease_ends(stores: Stores) -> None:
    tell(stores)
    leased = stores.mails.lease(NOON, NOON + LEASE)
    meanwhile = stores.mails.lease(NOON + LEASE / 2, NOON + LEASE)

    afterwards = stores.mails.lease(NOON + LEASE, NOON + 2 * LEASE)

    assert meanwhile is None
    assert leased[0].id == afterwards[0].id == "ntf_001"


def test_a_sent_mail_is_never_due_again(stores: Stores) -> None:
    tell(stores)
    mail, token = stores.mails.lease(NOON, NOON + LEASE)
    mail.sent(NOON)

    stores.mails.save(mail, token)

    assert stores.mails.lease(NOON + timedelta(days=30), NOON + timedelta(days=31)) is None


def test_who_lost_the_lease_changes_nothing(stores: Stores) -> None:
    tell(stores)
    late, old_token = stores.mails.lease(NOON, NOON + LEASE)
    mail, token = stores.mails.lease(NOON + LEASE, NOON + 2 * LEASE)
    mail.sent(NOON + LEASE)
    stores.mails.save(mail, token)
    late.delayed(NOON, "down")

    stores.mails.save(late, old_token)

    assert stores.mails.lease(NOON + timedelta(days=30), NOON + timedelta(days=31)) is None


def test_a_waiting_mail_is_due_as_soon_as_its_recipient_is_there(stores: Stores) -> None:
    for number, account_id in enumerate((ACME, NOVA)):
        tell(stores, number, account_id=account_id)
        mail, token = stores.mails.lease(NOON, NOON + LEASE)
        mail.wait_for_recipient(NOON)
        stores.mails.save(mail, token)
    before = stores.mails.lease(NOON, NOON + LEASE)

    stores.mails.hasten(NOVA, NOON)

    assert before is None
    assert stores.mails.lease(NOON, NOON + LEASE)[0].account_id == nova().account_id
    assert stores.mails.lease(NOON, NOON + LEASE) is None


def test_hastening_leaves_a_leased_mail_alone(stores: Stores) -> None:
    tell(stores)
    mail, token = stores.mails.lease(NOON, NOON + LEASE)
    mail.wait_for_recipient(NOON)
    stores.mails.save(mail, token)
    stores.mails.lease(NOON + LEASE, NOON + 2 * LEASE)

    stores.mails.hasten(ACME, NOON)

    assert stores.mails.lease(NOON, NOON + LEASE) is None


def test_notification_mail_and_event_are_stored_together_or_not_at_all(mongo: Any, outbox: Any) -> None:
    stores = in_mongo(mongo, outbox)
    mongo["mails"].insert_one({"_id": "ntf_001", "status": "sent"})

    with pytest.raises(DuplicateKeyError):
        tell(stores, 1)

    assert stores.notifications.get(ACME, "ntf_001") is None
    assert outbox.events == []


def test_the_database_itself_refuses_to_tell_an_event_twice(mongo: Any, outbox: Any) -> None:
    in_mongo(mongo, outbox)
    mongo["notifications"].insert_one({"_id": "ntf_1", "source_event": "evt_same"})

    with pytest.raises(DuplicateKeyError):
        mongo["notifications"].insert_one({"_id": "ntf_2", "source_event": "evt_same"})


class Counted:
    """A source of counts that knows how often it was asked."""

    def __init__(self) -> None:
        self.count, self.asked = 0, 0

    def __call__(self, account_id: str) -> int:
        self.asked += 1
        return self.count


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture(params=["memory", "redis"])
def unread(request: pytest.FixtureRequest, counted: Counted) -> Any:
    if request.param == "memory":
        return MemoryUnreadCounts(counted)
    return redis_counts(counted, request.getfixturevalue("redis_url"))


def redis_counts(counted: Any, url: str) -> RedisUnreadCounts:
    return RedisUnreadCounts(redis.Redis.from_url(url), f"test-{uuid.uuid4().hex}:", counted)


def test_a_count_is_kept_until_it_is_forgotten(unread: Any, counted: Counted) -> None:
    counted.count = 3
    first = unread.count(ACME)
    counted.count = 4
    kept = unread.count(ACME)

    unread.forget(ACME)

    assert (first, kept, unread.count(ACME)) == (3, 3, 4)
    assert counted.asked == 2


def test_zero_is_a_count_like_any_other(unread: Any, counted: Counted) -> None:
    unread.count(ACME)

    unread.count(ACME)

    assert counted.asked == 1


def test_a_count_taken_before_a_change_is_not_kept_after_it(redis_url: str) -> None:
    def count_while_something_changes(account_id: str) -> int:
        unread.forget(account_id)
        return 1

    unread = redis_counts(count_while_something_changes, redis_url)
    unread.count(ACME)

    unread._count_unread = lambda account_id: 2

    assert unread.count(ACME) == 2


def test_without_redis_the_count_comes_from_the_store(counted: Counted) -> None:
    counted.count = 5
    nowhere = f"redis://127.0.0.1:{closed_port()}/0"

    assert redis_counts(counted, nowhere).count(ACME) == 5


def closed_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
