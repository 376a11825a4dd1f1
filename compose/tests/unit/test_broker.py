import base64
import hashlib
import re

import pytest

from chassis.permissions import permissions
from compose import broker, secrets
from compose.names import SERVICES, VHOST
from compose.tests.unit.stacks import a_stack


@pytest.fixture(scope="module")
def known():
    return secrets.fresh()


def may(user: str, right: str, name: str) -> bool:
    return re.search(permissions(user)[right], name) is not None


@pytest.mark.parametrize(
    "name", ["rpc-campaign", "campaign.events", "campaign.on_earning_posted", "nameko-rpc"]
)
def test_a_service_declares_what_carries_its_name(name):
    assert may("campaign", "configure", name)


@pytest.mark.parametrize("right", ["configure", "write"])
@pytest.mark.parametrize(
    "name", ["rpc-payment", "payment.events", "rpc.reply-payment-1", "x-campaign.events"]
)
def test_a_service_touches_nothing_of_another(name, right):
    assert not may("campaign", right, name)


def test_a_service_reads_no_queue_of_another():
    assert not may("campaign", "read", "payment.on_earnings_accrued")


def test_a_service_subscribes_to_every_services_events():
    assert may("campaign", "read", "payment.events")


def test_a_dot_in_a_pattern_is_a_dot():
    assert not may("campaign", "configure", "rpcXreply-campaign-1")


def test_the_operator_may_do_everything():
    assert permissions("operator") == {"configure": ".*", "write": ".*", "read": ".*"}


def test_there_is_no_guest_and_one_user_per_service(known):
    users = [user["name"] for user in broker.definitions(known, test=False)["users"]]

    assert sorted(users) == sorted([*SERVICES, "gateway", "operator", "admin"])


def test_the_operator_administers_test_brokers_only(known):
    tags = {
        test: {user["name"]: user["tags"] for user in broker.definitions(known, test=test)["users"]}
        for test in (True, False)
    }

    assert (tags[True]["operator"], tags[False]["operator"]) == ("administrator", "monitoring")
    assert tags[False]["admin"] == "administrator"


def test_exchanges_exist_before_anybody_starts(known):
    exchanges = {
        (entry["name"], entry["vhost"]) for entry in broker.definitions(known, test=False)["exchanges"]
    }

    assert exchanges == {
        (name, VHOST) for name in ("nameko-rpc", *(f"{service}.events" for service in SERVICES))
    }


def test_a_password_is_kept_as_rabbitmqs_salted_hash():
    stored = base64.b64decode(broker.password_hash("secret"))

    assert stored[4:] == hashlib.sha256(stored[:4] + b"secret").digest()


def test_the_definitions_hold_no_password(known):
    text = str(broker.definitions(known, test=False))

    assert not [name for name, value in known.items() if value in text]


def test_everything_listens_on_loopback_alone(tmp_path):
    stack = a_stack(tmp_path)

    configuration = broker.configuration(stack.layout, stack.ports)

    assert "listeners.tcp.1 = 127.0.0.1:5673" in configuration
    assert "management.tcp.ip = 127.0.0.1" in configuration
    assert "inet_dist_use_interface {127,0,0,1}" in broker.ERLANG_FLAGS
    assert broker.environment(stack.layout, stack.ports)["ERL_EPMD_ADDRESS"] == "127.0.0.1"
