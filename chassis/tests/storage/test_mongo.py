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
