"""An event is believed when the exchange that it came through says the same as it does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from amqp.basic_message import Message

from chassis.events.cloudevents import Malformed, envelope, parse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def arrived(exchange: str, routing_key: str, **caused: str) -> Message:
    """A message that says to be identity's `session_revoked`, as it comes through an exchange."""
    body = envelope(
        id="evt_1",
        service="identity",
        type="session_revoked",
        version=1,
        subject="ses_1",
        time=NOON,
        data={"sid": "ses_1"},
        **caused,
    )
    message = Message(body, content_type="application/json")
    message.delivery_info = {"exchange": exchange, "routing_key": routing_key}
    return message


def test_an_event_of_the_exchange_that_it_names_is_believed():
    event = parse(arrived("identity.events", "session_revoked"))

    assert (event.source, event.type, event.data) == ("identity", "session_revoked", {"sid": "ses_1"})


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [("streamer.events", "session_revoked"), ("identity.events", "admin_created")],
)
def test_an_event_that_contradicts_the_way_it_came_is_no_event(exchange, routing_key):
    with pytest.raises(Malformed):
        parse(arrived(exchange, routing_key))


def test_an_event_that_is_tried_again_comes_through_the_services_own_exchange():
    event = parse(arrived("notification.retry", "1000.notification.on_registration"))

    assert event.source == "identity"


def test_an_event_says_who_caused_it_where_that_is_known():
    caused = parse(arrived("identity.events", "session_revoked", actor="adm_ada", session="ses_ada"))
    unknown = parse(arrived("identity.events", "session_revoked"))

    assert (caused.actor, caused.session) == ("adm_ada", "ses_ada")
    assert (unknown.actor, unknown.session) == (None, None)
