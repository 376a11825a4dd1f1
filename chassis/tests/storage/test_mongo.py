import time

import pytest

from chassis import mongo as module
from chassis.errors import ServiceUnavailable


def test_what_another_transaction_holds_is_not_waited_for_without_end(mongo, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.3)
    mongo["things"].insert_one({"_id": "x"})
    started = time.monotonic()

    def touch():
        mongo["things"].update_one({"_id": "x"}, {"$set": {"by": "us"}}, session=mongo.session)

    with mongo._client.start_session() as other, other.start_transaction():
        mongo["things"].update_one({"_id": "x"}, {"$set": {"by": "another"}}, session=other)

        with pytest.raises(ServiceUnavailable, match="busy"):
            mongo.transaction(touch)

    assert time.monotonic() - started < 5


def test_a_transaction_waits_a_moment_for_another_one(mongo):
    import eventlet

    mongo["things"].insert_one({"_id": "x"})

    def touch():
        mongo["things"].update_one({"_id": "x"}, {"$set": {"by": "us"}}, session=mongo.session)

    with mongo._client.start_session() as other:
        other.start_transaction()
        mongo["things"].update_one({"_id": "x"}, {"$set": {"by": "another"}}, session=other)
        eventlet.spawn_after(0.3, other.commit_transaction)

        mongo.transaction(touch)

    assert mongo["things"].find_one({"_id": "x"})["by"] == "us"


def test_those_who_read_at_once_are_given_a_document_each_and_ask_once(mongo, monkeypatch):
    import eventlet

    asked = []
    mongo["things"].insert_many([{"_id": "x", "in": {"a": 1}}, {"_id": "y", "in": {"a": 2}}])
    share = mongo._reads.share

    def counted(key, item, find):
        return share(key, item, lambda ids: asked.append(sorted(ids)) or find(ids))

    monkeypatch.setattr(mongo._reads, "share", counted)

    reading = [eventlet.spawn(mongo.find_by_id, "things", one) for one in ("x", "y", "x", "z")]
    first, second, third, missing = (one.wait() for one in reading)

    assert asked == [["x", "x", "y", "z"]]
    assert (first, second, missing) == ({"_id": "x", "in": {"a": 1}}, {"_id": "y", "in": {"a": 2}}, None)
    assert third == first
    assert third["in"] is not first["in"]


def test_a_transaction_reads_what_it_wrote(mongo):
    def work():
        mongo["things"].insert_one({"_id": "x"}, session=mongo.session)
        return mongo.find_by_id("things", "x")

    mongo["things"].insert_one({"_id": "first"})

    assert mongo.transaction(work) == {"_id": "x"}
