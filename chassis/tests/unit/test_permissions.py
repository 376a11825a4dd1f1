import re

import pytest

from chassis.permissions import permissions


def may(user, verb, name):
    return re.search(permissions(user)[verb], name) is not None


@pytest.mark.parametrize(
    "name", ["rpc-campaign", "campaign.events", "campaign.dead-letters", "rpc.reply-campaign-1"]
)
def test_a_service_configures_and_writes_what_carries_its_name(name):
    assert may("campaign", "configure", name)
    assert may("campaign", "write", name)


@pytest.mark.parametrize(
    "name", ["rpc-payment", "payment.events", "payment.dead-letters", "rpc.reply-payment-1", "amq.default"]
)
def test_a_service_configures_and_writes_nothing_of_its_neighbours(name):
    assert not may("campaign", "configure", name)
    assert not may("campaign", "write", name)


def test_a_service_subscribes_to_its_neighbours_and_reads_none_of_their_queues():
    assert may("campaign", "read", "payment.events")
    assert not may("campaign", "read", "rpc-payment")
    assert not may("campaign", "read", "payment.on_campaign_activated")


def test_a_service_whose_name_begins_like_another_one_is_not_that_one():
    assert not may("brand", "write", "brandnew.events")
    assert not may("brand", "read", "rpc-brandnew")
