"""What a caller is told when a method raises what no caller knows."""

import socket

import pytest
from pymongo.errors import ConnectionFailure

from chassis.errors import Internal, ServiceUnavailable
from chassis.mongo import Mongo
from chassis.rpc.server import _as_error


@pytest.fixture
def nobodys_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_document_database_that_is_away_is_no_fault_of_ours(nobodys_port):
    mongo = Mongo(f"mongodb://127.0.0.1:{nobodys_port}", "away")

    with pytest.raises(ConnectionFailure) as met:
        mongo["things"].find_one({})
    mongo.close()

    assert isinstance(_as_error(met.value, "sample.find"), ServiceUnavailable)


def test_what_nobody_expected_stays_in_the_log():
    assert isinstance(_as_error(RuntimeError("secret"), "sample.find"), Internal)
