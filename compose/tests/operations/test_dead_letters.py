from dataclasses import replace

import pytest

from chassis.testing import eventually
from compose.errors import ComposeError
from compose.operations import dead_letters

MORE_THAN_IS_LISTED = 1_000
"""Ten times what a list shows unless it is told otherwise."""


def ids(access, service=""):
    return sorted(letter["id"] for letter in dead_letters.of(access, service, 100))


def test_a_letter_is_listed_with_where_it_came_from_and_why_it_was_given_up(access, handler):
    given_up = handler("campaign", "on_asset").give_up()

    [letter] = dead_letters.of(access, "", 100)

    assert (letter["service"], letter["id"], letter["queue"]) == ("campaign", given_up, "campaign.on_asset")
    assert (letter["reason"], letter["attempts"]) == ("RuntimeError: poison", 4)
    assert letter["body"]["data"] == {"asset_id": "ast_1"}
    assert 0 <= letter["event_age_seconds"] < 60


def test_looking_leaves_the_letters_where_they_are(access, handler):
    campaign = handler("campaign", "on_asset")
    given_up = sorted([campaign.give_up(), campaign.give_up()])

    for _ in range(3):
        eventually(lambda: ids(access) == given_up)


def test_a_letter_is_reached_behind_more_than_anybody_lists(access, handler):
    campaign = handler("campaign", "on_asset")
    campaign.give_up_many(MORE_THAN_IS_LISTED)
    last = campaign.give_up()

    [letter] = dead_letters.with_id(access, "campaign", last)
    assert letter["number"] == MORE_THAN_IS_LISTED + 1

    assert dead_letters.replay(access, "campaign", last) == {"campaign": 1}
    eventually(lambda: campaign.waiting() == 1)
    assert dead_letters.drop(access, "campaign", None) == {"campaign": MORE_THAN_IS_LISTED}


def test_a_service_that_has_never_run_has_no_letters(access):
    assert dead_letters.of(access, "streamer", 100) == []
    assert dead_letters.replay(access, "streamer", None) == {"streamer": 0}


def test_a_replayed_letter_goes_back_to_its_queue_and_to_no_other(access, handler):
    campaign, neighbour = handler("campaign", "on_asset"), handler("campaign", "on_asset_too")
    given_up, other = campaign.give_up(), neighbour.give_up()

    assert dead_letters.replay(access, "campaign", given_up) == {"campaign": 1}

    eventually(lambda: campaign.waiting() == 1)
    eventually(lambda: ids(access) == [other])
    assert neighbour.waiting() == 0


def test_replaying_again_sends_nothing_and_says_so(access, handler):
    campaign = handler("campaign", "on_asset")
    given_up = campaign.give_up()
    dead_letters.replay(access, "campaign", given_up)

    with pytest.raises(ComposeError, match=f"campaign has no dead letter {given_up}"):
        dead_letters.replay(access, "campaign", given_up)

    assert dead_letters.replay(access, "campaign", None) == {"campaign": 0}
    eventually(lambda: campaign.waiting() == 1)


def test_all_letters_of_all_services_are_replayed(access, handler):
    campaign, payment = handler("campaign", "on_asset"), handler("payment", "on_asset")
    for each in (campaign, campaign, payment):
        each.give_up()

    counts = dead_letters.replay(access, "", None)

    assert {service: count for service, count in counts.items() if count} == {"campaign": 2, "payment": 1}
    eventually(lambda: (campaign.waiting(), payment.waiting()) == (2, 1))


def test_a_letter_whose_queue_is_gone_stays_and_stops_no_other(access, handler):
    gone, campaign = handler("campaign", "on_old"), handler("campaign", "on_asset")
    kept = gone.give_up()
    campaign.give_up()
    gone.delete_queue()

    with pytest.raises(ComposeError, match="1 sent back; 1 stay"):
        dead_letters.replay(access, "campaign", None)

    eventually(lambda: campaign.waiting() == 1)
    eventually(lambda: ids(access) == [kept])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "malformed: it is not a CloudEvent"),
        (None, "malformed: it names another publisher or type than it came by"),
    ],
)
def test_what_is_no_event_is_never_replayed(access, handler, body, reason):
    campaign = handler("campaign", "on_asset")
    refused = campaign.give_up(body, reason=reason)

    with pytest.raises(ComposeError, match="0 sent back; 1 stay"):
        dead_letters.replay(access, "campaign", refused)

    assert campaign.waiting() == 0
    eventually(lambda: ids(access) == [refused])


def test_a_letter_is_dropped_and_the_others_stay(access, handler):
    campaign = handler("campaign", "on_asset")
    dropped, kept = campaign.give_up(), campaign.give_up()

    assert dead_letters.drop(access, "campaign", dropped) == {"campaign": 1}

    eventually(lambda: ids(access) == [kept])
    assert campaign.waiting() == 0


def test_an_event_that_two_handlers_gave_up_is_shown_for_each(access, handler):
    one, two = handler("campaign", "on_asset"), handler("campaign", "on_asset_too")
    same = one.give_up()
    two.give_up(event_id=same)

    found = dead_letters.with_id(access, "campaign", same)

    assert sorted(letter["queue"] for letter in found) == ["campaign.on_asset", "campaign.on_asset_too"]


def test_an_unknown_service_is_answered_with_those_that_there_are(access):
    with pytest.raises(ComposeError, match="There is no service 'campain'; there are identity, brand"):
        dead_letters.of(access, "campain", 100)


def test_a_broker_that_is_gone_is_a_sentence(access):
    with pytest.raises(ComposeError, match="The broker does not answer"):
        dead_letters.of(replace(access, amqp_uri="amqp://x:y@127.0.0.1:1/%2F"), "", 100)
