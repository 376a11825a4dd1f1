from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.errors import Gone, NotFound, ServiceUnavailable
from chassis.event import ReceivedEvent
from chassis.testing import eventually
from gateway.feed import Feed, overlay_topic
from gateway.live import BACKLOG, Figures, Hub, Message, TooManyStreams, follow
from gateway.tests.conftest import BRAND, Door

OVERLAY = "/overlay/q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE/events"


def event(type: str, **data: Any) -> ReceivedEvent:
    return ReceivedEvent("evt_1", type, "/any", datetime.now(UTC), "x", 1, data)


def feed(door: Door) -> Feed:
    return Feed(door.state.hub, door.state.revoked)


def watch_overlay(door: Door) -> Any:
    door.services.answers["participation.overlay_channel"] = {"channel": "chn_1"}
    response = door.client.get(OVERLAY)
    assert response.mimetype == "text/event-stream"
    return response


def chunks(response: Any) -> Iterator[str]:
    return (chunk.decode() for chunk in response.response)


def test_a_message_reaches_everybody_who_waits_for_its_topic() -> None:
    hub = Hub(10)
    here, there, elsewhere = hub.subscribe("a"), hub.subscribe("a", "b"), hub.subscribe("b")

    hub.publish("a", Message("hello", {}))

    assert here.next(0) == there.next(0) == Message("hello", {})
    assert elsewhere.next(0) is None


def test_a_browser_that_does_not_read_is_cut_off() -> None:
    hub = Hub(10)
    subscription = hub.subscribe("a")

    for number in range(BACKLOG + 1):
        hub.publish("a", Message("hello", {"number": number}))

    assert not subscription.is_open
    assert len(hub) == 0


def test_closing_wakes_who_waits() -> None:
    hub = Hub(10)
    subscription = hub.subscribe("a")
    stream = follow(subscription, heartbeat=10, lifetime=10)
    next(stream)
    threading.Timer(0.05, hub.end, ["a"]).start()

    rest = list(stream)

    assert rest == [": heartbeat\n\n"]
    assert len(hub) == 0


def test_there_are_only_so_many_streams() -> None:
    hub = Hub(1)
    first = hub.subscribe("a")
    with pytest.raises(TooManyStreams):
        hub.subscribe("a")
    first.close()

    second = hub.subscribe("a")

    assert second.is_open


def test_a_silent_stream_beats(door: Door) -> None:
    response = watch_overlay(door)
    stream = chunks(response)

    beats = [next(stream) for _ in range(3)]

    assert beats == ["retry: 2000\n\n", ": heartbeat\n\n", ": heartbeat\n\n"]
    response.close()
    assert len(door.state.hub) == 0


def test_an_overlay_is_told_of_its_own_changes_alone(door: Door) -> None:
    response = watch_overlay(door)
    stream = chunks(response)
    next(stream)

    feed(door).receive(event("manifest_changed", channel="chn_2", reason="campaign_paused"))
    feed(door).receive(event("manifest_changed", channel="chn_1", reason="campaign_paused"))
    feed(door).receive(event("overlay_test_requested", channel="chn_1"))

    assert next(stream) == 'event: manifest_changed\ndata: {"reason": "campaign_paused"}\n\n'
    assert next(stream) == "event: show_test\ndata: {}\n\n"
    response.close()


def test_a_replaced_link_ends_its_streams(door: Door) -> None:
    response = watch_overlay(door)
    stream = chunks(response)
    next(stream)
    door.services.fail("participation.overlay_channel", Gone())

    feed(door).receive(event("overlay_link_replaced", channel="chn_1"))

    assert list(stream) == ["event: revoked\ndata: {}\n\n"]


def test_the_new_link_outlives_the_news_of_the_old_ones_end(door: Door) -> None:
    response = watch_overlay(door)
    stream = chunks(response)
    next(stream)

    feed(door).receive(event("overlay_link_replaced", channel="chn_1"))
    feed(door).receive(event("overlay_test_requested", channel="chn_1"))

    assert next(stream).startswith("event: show_test")
    response.close()


def test_an_overlay_without_a_link_gets_a_problem_and_no_stream(door: Door) -> None:
    door.services.fail("participation.overlay_channel", NotFound())

    response = door.client.get(OVERLAY)

    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert len(door.state.hub) == 0


def test_a_notification_reaches_the_inbox_that_is_open(door: Door) -> None:
    response = door.client.get("/v1/notifications/live", headers=door.as_("brand"))
    stream = chunks(response)
    next(stream)

    feed(door).receive(
        event("notification_created", account_id=BRAND, notification_id="ntf_1", kind="k", title="t")
    )

    expected = 'event: notification\ndata: {"notification_id": "ntf_1", "kind": "k", "title": "t"}\n\n'
    assert next(stream) == expected
    response.close()


@pytest.mark.parametrize("expires_at", ["2026-11-23T05:15:00Z", 1795411200])
def test_the_end_of_a_session_ends_its_streams_and_its_requests(door: Door, expires_at: str | int) -> None:
    headers = door.as_("brand", session_id="ses_1")
    response = door.client.get("/v1/notifications/live", headers=headers)
    stream = chunks(response)
    next(stream)

    feed(door).receive(event("session_revoked", sid="ses_1", account_id=BRAND, expires_at=expires_at))

    assert list(stream) == []
    assert door.client.get("/v1/wallet", headers=headers).status_code == 401


def test_a_stream_does_not_outlive_its_access_token(make_door: Any) -> None:
    door = make_door(live_stream_seconds=0.1)
    response = door.client.get("/v1/notifications/live", headers=door.as_("brand"))

    sent = list(chunks(response))

    assert sent[0] == "retry: 2000\n\n"
    assert len(sent) <= 4


def test_live_figures_are_sent_when_they_change(make_door: Any) -> None:
    door = make_door(heartbeat_seconds=10.0)
    answers = iter([{"rendered": 1}, {"rendered": 1}, {"rendered": 2}])
    door.services.answers["analytics.campaign_summary"] = lambda _: next(answers)
    response = door.client.get("/v1/analytics/campaigns/cmp_1/live", headers=door.as_("brand"))
    stream = chunks(response)

    sent = [next(stream) for _ in range(3)]

    assert sent == [
        "retry: 2000\n\n",
        'event: figures\ndata: {"rendered": 1}\n\n',
        'event: figures\ndata: {"rendered": 2}\n\n',
    ]
    response.close()


def test_live_figures_of_a_missing_campaign_are_a_problem(door: Door) -> None:
    door.services.fail("analytics.campaign_summary", NotFound())

    response = door.client.get("/v1/analytics/campaigns/cmp_1/live", headers=door.as_("brand"))

    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_live_figures_say_when_they_are_not_to_be_had(door: Door) -> None:
    door.services.answers["analytics.streamer_summary"] = {"rendered": 1}
    response = door.client.get("/v1/analytics/streamers/me/live", headers=door.as_("streamer"))
    stream = chunks(response)
    next(stream), next(stream)
    door.services.fail("analytics.streamer_summary", ServiceUnavailable())

    news = eventually(lambda: (chunk := next(stream)).startswith("event: unavailable") and chunk)

    assert "service_unavailable" in news
    response.close()


def test_a_service_is_asked_once_for_all_who_watch_the_same() -> None:
    figures, asked = Figures(fresh_seconds=60), []

    for _ in range(3):
        figures.get("key", lambda: asked.append(1) or {"rendered": 1})  # type: ignore[func-returns-value]

    assert asked == [1]


def test_two_accounts_do_not_share_figures(door: Door) -> None:
    door.services.answers["analytics.campaign_summary"] = {"rendered": 1}

    for kind in ("brand", "admin"):
        door.client.get("/v1/analytics/campaigns/cmp_1/live", headers=door.as_(kind)).close()

    assert [name for name, _ in door.services.calls] == ["analytics.campaign_summary"] * 2


def test_a_gap_in_the_events_makes_every_browser_come_again(door: Door) -> None:
    response = watch_overlay(door)
    stream = chunks(response)
    next(stream)

    door.state.hub.end_all()

    assert list(stream) == []


def test_nothing_is_remembered_of_topics_that_nobody_waits_for() -> None:
    hub = Hub(10)
    for number in range(100):
        hub.subscribe(overlay_topic(str(number))).close()

    remembered = hub._by_topic

    assert len(remembered) == 0


def test_a_stream_opened_while_the_process_stops_tells_the_browser_to_come_again() -> None:
    hub = Hub(10)
    earlier = hub.subscribe("a")
    hub.close()

    later = hub.subscribe("a")

    assert not earlier.is_open
    assert list(follow(later, heartbeat=1, lifetime=5)) == ["retry: 2000\n\n"]
    assert len(hub) == 0
