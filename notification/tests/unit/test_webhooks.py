"""Endpoints and their messages, with an independent implementation of Standard Webhooks as the judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from chassis.clock import FixedClock
from chassis.errors import Error, Forbidden, PreconditionFailed, Unauthenticated
from chassis.event import Event
from chassis.principal import ANONYMOUS, Principal
from notification import handlers, schemas
from notification.domain import topics
from notification.domain.addresses import UrlRefused
from notification.domain.topics import TEST, TOPICS
from notification.domain.webhooks import (
    DELIVERED,
    FAILING,
    GONE,
    LONGEST_RETRY_AFTER,
    MOST_ATTEMPTS_SHOWN,
    MOST_ENDPOINTS,
    OVERLAP,
    PARKED,
    PENDING,
    SCOPE,
    DeliveryNotFound,
    Endpoint,
    EndpointIsDisabled,
    EndpointNotFound,
    Message,
    NotParked,
    Policy,
    TooManyEndpoints,
    UnknownTopic,
    signature,
)
from notification.handlers.webhooks import Shown
from notification.service import WEBHOOK_JITTER, WEBHOOK_RETRY_DELAYS, new_webhook_secret
from notification.tests.fakes import MemoryPoster, MemoryWebhookEndpoints, MemoryWebhookMessages
from notification.tests.mothers import (
    ACME,
    EVENTS,
    NOON,
    OTHER_SECRET,
    SECRET,
    URL,
    WEBHOOK_EVENTS,
    a_message,
    an_endpoint,
    received,
)

acme = Principal(ACME, "brand", frozenset({SCOPE}))
globex = Principal("brd_globex", "brand", frozenset({SCOPE}))
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class World:
    """A brand without endpoints, and a server that takes everything."""

    def __init__(self, *answers: int | str, retry_after: int | None = None) -> None:
        self.clock = FixedClock(NOON)
        self.endpoints = MemoryWebhookEndpoints()
        self.messages = MemoryWebhookMessages()
        self.poster = MemoryPoster(*answers, retry_after=retry_after)
        self.policy = Policy(delays=(MINUTE, 10 * MINUTE), patience=3 * DAY, lease=MINUTE)
        self.jitter = 1.0
        self._ids = count(1)
        self._secrets = iter([SECRET, OTHER_SECRET, *(new_webhook_secret() for _ in range(20))])

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids):03d}"

    @property
    def sending(self) -> handlers.Sending:
        return handlers.Sending(
            self.endpoints, self.messages, self.poster, self.clock, self.policy, lambda: self.jitter
        )

    def create(self, by: Principal = acme, url: str = URL, topics: tuple[str, ...] = ()) -> Shown:
        return handlers.create_endpoint(
            self.endpoints,
            self.clock,
            self.new_id,
            lambda: next(self._secrets),
            False,
            by,
            url=url,
            description="Accounting",
            topics=topics,
            enabled=True,
        )

    def happens(self, source: str, type: str, id: str = "evt_1") -> None:
        event = received(source, type, id)
        handlers.enqueue(self.endpoints, self.messages, self.clock, self.new_id, event)

    def send_due(self) -> int:
        """Everything that is due now, each once."""
        sent = 0
        while (leased := self.sending.lease()) is not None:
            handlers.send(self.sending, *leased)
            sent += 1
        return sent

    def later(self, pause: timedelta) -> int:
        self.clock.advance(pause.total_seconds())
        return self.send_due()

    def deliveries(self, endpoint_id: str, status: str | None = None) -> list[Message]:
        return handlers.list_deliveries(
            self.endpoints,
            self.messages,
            acme,
            endpoint_id=endpoint_id,
            status=status,
            limit=100,
            cursor=None,
        ).items

    def update(self, endpoint_id: str, **values: object) -> Shown:
        return handlers.update_endpoint(
            self.endpoints, self.clock, False, acme, endpoint_id=endpoint_id, **values
        )

    def rotate(self, endpoint_id: str) -> Shown:
        return handlers.rotate_secret(
            self.endpoints, self.clock, lambda: next(self._secrets), acme, endpoint_id=endpoint_id
        )

    def endpoint(self, endpoint_id: str) -> Endpoint:
        found = self.endpoints.get(endpoint_id)
        assert found is not None
        return found

    def replay(self, endpoint_id: str, delivery_id: str) -> Message:
        return handlers.replay_delivery(
            self.endpoints,
            self.messages,
            self.clock,
            acme,
            endpoint_id=endpoint_id,
            delivery_id=delivery_id,
        )


@pytest.fixture
def world() -> World:
    return World()


# Signatures


def test_a_signature_is_that_of_the_specifications_test_vector() -> None:
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def accepted_by(secret: str, headers: dict[str, str], body: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the library of Standard Webhooks takes it, a second after it was sent."""
    import standardwebhooks.webhooks as library

    class Now(library.datetime):
        @classmethod
        def now(cls, tz: object = None) -> object:
            return NOON + timedelta(seconds=1)

    monkeypatch.setattr(library, "datetime", Now)
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_an_independent_library_accepts_what_we_sign_and_nothing_that_was_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = a_message(body='{"type":"campaign.approved","data":{"name":"Größe 💸"}}')
    headers = an_endpoint().headers_for(message, NOON)

    assert accepted_by(SECRET, headers, message.body, monkeypatch)
    assert not accepted_by(OTHER_SECRET, headers, message.body, monkeypatch)
    assert not accepted_by(SECRET, headers, message.body + " ", monkeypatch)
    assert not accepted_by(SECRET, headers | {"webhook-id": "msg_2"}, message.body, monkeypatch)


def test_a_rotated_secret_signs_beside_the_one_of_before_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint, message = an_endpoint(), a_message()
    endpoint.rotate(OTHER_SECRET, NOON - OVERLAP + timedelta(seconds=1))

    both = endpoint.headers_for(message, NOON)
    one = endpoint.headers_for(message, NOON + timedelta(seconds=1))

    assert accepted_by(SECRET, both, message.body, monkeypatch)
    assert accepted_by(OTHER_SECRET, both, message.body, monkeypatch)
    assert accepted_by(OTHER_SECRET, one, message.body, monkeypatch)
    assert not accepted_by(SECRET, one, message.body, monkeypatch)


def test_a_second_rotation_ends_the_secret_from_before_the_first() -> None:
    endpoint = an_endpoint()
    endpoint.rotate(OTHER_SECRET, NOON)

    endpoint.rotate(new_webhook_secret(), NOON)

    signatures = endpoint.headers_for(a_message(), NOON)["webhook-signature"].split(" ")
    assert len(signatures) == 2
    assert signature(SECRET, "msg_001", int(NOON.timestamp()), a_message().body) not in signatures


def test_a_secret_is_random_and_as_long_as_the_specification_asks() -> None:
    first, second = new_webhook_secret(), new_webhook_secret()

    assert first != second
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", first)


def test_a_secret_is_in_nothing_that_is_printed(world: World) -> None:
    made = world.create()
    world.rotate(made.endpoint.id)

    endpoint = world.endpoint(made.endpoint.id)

    assert SECRET not in f"{made!r} {endpoint!r}"
    assert OTHER_SECRET not in f"{made!r} {endpoint!r}"


# What is sent


@pytest.mark.parametrize(("source", "type"), TOPICS)
def test_every_event_that_a_brand_can_be_told_reaches_its_endpoint_as_it_is_published(
    world: World, source: str, type: str
) -> None:
    endpoint_id = world.create().endpoint.id
    topic = TOPICS[source, type]

    world.happens(source, type)
    world.send_due()

    [(url, _, body)] = world.poster.posted
    payload = json.loads(body)
    assert url == URL
    assert list(payload) == ["type", "timestamp", "data"]
    assert (payload["type"], payload["timestamp"]) == (topic.name, "2026-11-23T12:00:00.000000Z")
    assert set(payload["data"]) == set(schemas.WEBHOOKS[topic.name].data().fields)
    assert [one.status for one in world.deliveries(endpoint_id)] == [DELIVERED]


def test_what_is_published_is_what_is_sent() -> None:
    assert {name: set(each.data().fields) for name, each in schemas.WEBHOOKS.items()} == {
        **{topic.name: set(topic.keep) for topic in TOPICS.values()},
        TEST: {"endpoint_id"},
    }
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in topics.NAMES)
    assert set(TOPICS) <= {*EVENTS, *WEBHOOK_EVENTS}


def test_an_endpoint_gets_what_it_chose_and_another_brands_nothing(world: World) -> None:
    chosen = world.create(topics=("campaign.approved",)).endpoint.id
    everything = world.create().endpoint.id
    strangers = world.create(by=globex).endpoint.id

    world.happens("campaign", "campaign_approved", "evt_1")
    world.happens("payment", "deposit_succeeded", "evt_2")
    world.happens("payment", "payout_paid", "evt_3")

    assert [one.topic for one in world.deliveries(chosen)] == ["campaign.approved"]
    assert [one.topic for one in world.deliveries(everything)] == ["deposit.succeeded", "campaign.approved"]
    assert world.messages.of_endpoint(strangers, None, None, 10) == []


def test_an_event_that_comes_twice_is_one_message_with_one_id(world: World) -> None:
    endpoint_id = world.create().endpoint.id

    for _ in range(2):
        world.happens("campaign", "campaign_approved", "evt_same")

    assert len(world.deliveries(endpoint_id)) == 1


def test_a_disabled_endpoint_is_sent_nothing(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    world.update(endpoint_id, enabled=False)

    world.happens("campaign", "campaign_approved")

    assert world.deliveries(endpoint_id) == []


def test_what_waited_when_an_endpoint_was_disabled_is_parked_and_can_be_replayed(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    world.update(endpoint_id, enabled=False)

    world.send_due()

    assert world.poster.posted == []
    assert [one.status for one in world.deliveries(endpoint_id)] == [PARKED]
    world.update(endpoint_id, enabled=True)
    replayed = handlers.replay_parked(
        world.endpoints, world.messages, world.clock, acme, endpoint_id=endpoint_id
    )
    assert (replayed, world.send_due()) == (1, 1)
    assert [one.status for one in world.deliveries(endpoint_id)] == [DELIVERED]


def test_what_waited_for_an_endpoint_that_was_deleted_is_dropped(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    handlers.delete_endpoint(world.endpoints, acme, endpoint_id=endpoint_id)

    world.send_due()

    assert world.poster.posted == []
    assert world.messages.of_endpoint(endpoint_id, None, None, 10) == []


# Retries


def test_a_message_is_tried_again_under_its_id_after_growing_pauses_then_parked() -> None:
    world = World(500, "timeout", 302)
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")

    tries = [
        world.send_due(),
        world.later(MINUTE - timedelta(seconds=1)),
        world.later(timedelta(seconds=1)),
        world.later(10 * MINUTE),
        world.later(DAY),
    ]

    assert tries == [1, 0, 1, 1, 0]
    [delivery] = world.deliveries(endpoint_id, PARKED)
    assert [(one.status, one.failure) for one in delivery.attempts] == [
        (500, None),
        (None, "timeout"),
        (302, None),
    ]
    assert {headers["webhook-id"] for _, headers, _ in world.poster.posted} == {delivery.id}
    assert len({headers["webhook-timestamp"] for _, headers, _ in world.poster.posted}) == 3
    assert len({body for _, _, body in world.poster.posted}) == 1


def test_a_message_that_was_accepted_is_never_sent_again() -> None:
    world = World(500)
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    world.send_due()
    world.later(MINUTE)

    assert world.later(DAY) == 0

    [delivery] = world.deliveries(endpoint_id)
    assert (delivery.status, delivery.delivered_at, delivery.due_at) == (DELIVERED, NOON + MINUTE, None)


def test_retries_go_on_for_about_a_day_and_are_spread() -> None:
    total = timedelta(seconds=sum(WEBHOOK_RETRY_DELAYS))

    assert timedelta(hours=22) < total < timedelta(hours=24)
    assert list(WEBHOOK_RETRY_DELAYS) == sorted(WEBHOOK_RETRY_DELAYS)
    assert WEBHOOK_JITTER[0] < 1 < WEBHOOK_JITTER[1]


def test_jitter_moves_a_retry() -> None:
    world = World(500)
    world.jitter = 1.1
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")

    world.send_due()

    [delivery] = world.deliveries(endpoint_id)
    assert delivery.due_at == NOON + timedelta(seconds=66)


@pytest.mark.parametrize(
    ("asked", "pause"), [(10, MINUTE), (600, timedelta(seconds=600)), (999_999, LONGEST_RETRY_AFTER)]
)
def test_a_server_may_ask_for_a_longer_pause_within_bounds(asked: int, pause: timedelta) -> None:
    world = World(429, retry_after=asked)
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")

    world.send_due()

    [delivery] = world.deliveries(endpoint_id)
    assert delivery.due_at == NOON + pause


def test_a_crash_before_the_answer_is_noted_sends_the_same_message_after_the_lease(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    leased = world.sending.lease()
    assert leased is not None

    assert world.later(timedelta(seconds=59)) == 0
    assert world.later(timedelta(seconds=1)) == 1

    [(_, headers, _)] = world.poster.posted
    assert headers["webhook-id"] == leased[0].id
    handlers.send(world.sending, *leased)
    assert [len(one.attempts) for one in world.deliveries(endpoint_id)] == [1]


def test_only_the_last_attempts_are_shown() -> None:
    message = a_message()
    for _ in range(MOST_ATTEMPTS_SHOWN + 5):
        attempt = MemoryPoster(500).post(URL, {}, b"", NOON)
        message.record(attempt, [MINUTE] * 100, 1.0)

    assert len(message.attempts) == MOST_ATTEMPTS_SHOWN


# Endpoints that fail


def test_an_endpoint_that_is_gone_is_disabled_at_once_and_its_owner_told() -> None:
    world = World(410)
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")

    world.send_due()

    endpoint = world.endpoint(endpoint_id)
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, GONE)
    assert [one.status for one in world.deliveries(endpoint_id)] == [PARKED]
    told = world.endpoints.events[-1]
    assert (told.type, told.to_data()["reason"]) == ("webhook_endpoint_disabled", GONE)
    assert URL not in json.dumps(told.to_data())


def test_an_endpoint_that_fails_for_days_is_disabled() -> None:
    world = World(*[500] * 20)
    endpoint_id = world.create().endpoint.id
    for day in range(4):
        assert world.endpoint(endpoint_id).enabled, f"day {day}"
        world.happens("campaign", "campaign_approved", f"evt_{day}")
        world.send_due()
        world.clock.advance(DAY.total_seconds())

    endpoint = world.endpoint(endpoint_id)

    assert (endpoint.enabled, endpoint.disabled_reason, endpoint.failing_since) == (False, FAILING, NOON)


def test_one_success_and_the_days_begin_anew() -> None:
    world = World(500, 500, 200, 500)
    endpoint_id = world.create().endpoint.id
    for day in range(4):
        world.happens("campaign", "campaign_approved", f"evt_{day}")
        world.happens("campaign", "campaign_approved", f"evt_{day}")
        leased = world.sending.lease(of=endpoint_id)
        assert leased is not None
        handlers.send(world.sending, *leased)
        world.clock.advance(DAY.total_seconds())

    endpoint = world.endpoint(endpoint_id)

    assert endpoint.enabled
    assert endpoint.failing_since == NOON + 3 * DAY


@pytest.mark.parametrize("reason", [GONE, FAILING])
def test_enabling_forgets_what_disabled_it(world: World, reason: str) -> None:
    endpoint = an_endpoint(enabled=False, disabled_reason=reason, failing_since=NOON)
    world.endpoints.add(endpoint, [])

    world.update(endpoint.id, enabled=True)

    endpoint = world.endpoint(endpoint.id)
    assert (endpoint.enabled, endpoint.disabled_reason, endpoint.failing_since) == (True, None, None)


def test_another_url_has_not_failed_yet(world: World) -> None:
    world.endpoints.add(an_endpoint(failing_since=NOON), [])

    world.update("whe_001", url="https://elsewhere.acme.example/")

    assert world.endpoint("whe_001").failing_since is None


class Contended(MemoryWebhookEndpoints):
    """Once, somebody else saves between a look at an endpoint and its being saved."""

    meanwhile: Callable[[], object] | None = None

    def save(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        super().save(endpoint, events)


def test_what_an_attempt_says_of_an_endpoint_survives_a_change_at_that_moment() -> None:
    world = World(500)
    world.endpoints = Contended()
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    world.endpoints.meanwhile = lambda: world.update(endpoint_id, description="Elsewhere")

    world.send_due()

    endpoint = world.endpoint(endpoint_id)
    assert (endpoint.description, endpoint.failing_since) == ("Elsewhere", NOON)


def test_what_the_owner_changes_during_an_attempt_stays_changed() -> None:
    world = World(500)
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    leased = world.sending.lease()
    assert leased is not None
    real_post = world.poster.post

    def meanwhile(*arguments: object) -> object:
        world.update(endpoint_id, description="Elsewhere")
        return real_post(*arguments)  # type: ignore[arg-type]

    world.poster.post = meanwhile  # type: ignore[assignment, method-assign]
    handlers.send(world.sending, *leased)

    endpoint = world.endpoint(endpoint_id)
    assert (endpoint.description, endpoint.failing_since) == ("Elsewhere", NOON)


# Replays and tests


def test_a_parked_delivery_is_replayed_with_all_its_tries(world: World) -> None:
    world.poster.answers = [500, 500, 500, 500]
    endpoint_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    world.send_due(), world.later(MINUTE), world.later(10 * MINUTE)
    [parked] = world.deliveries(endpoint_id, PARKED)

    replayed = world.replay(endpoint_id, parked.id)

    assert (replayed.status, replayed.due_at) == (PENDING, world.clock.now())
    assert [world.send_due(), world.later(MINUTE)] == [1, 1]
    [delivery] = world.deliveries(endpoint_id)
    assert (delivery.status, len(delivery.attempts)) == (DELIVERED, 5)


def test_only_what_is_parked_is_replayed_and_only_to_an_enabled_endpoint(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    other_id = world.create().endpoint.id
    world.happens("campaign", "campaign_approved")
    world.send_due()
    [delivery] = world.deliveries(endpoint_id)

    with pytest.raises(NotParked):
        world.replay(endpoint_id, delivery.id)
    with pytest.raises(DeliveryNotFound):
        world.replay(other_id, delivery.id)
    world.update(endpoint_id, enabled=False)
    with pytest.raises(EndpointIsDisabled):
        world.replay(endpoint_id, delivery.id)
    with pytest.raises(EndpointIsDisabled):
        handlers.replay_parked(world.endpoints, world.messages, world.clock, acme, endpoint_id=endpoint_id)


def test_a_test_is_sent_whatever_the_endpoint_has_chosen(world: World) -> None:
    endpoint_id = world.create(topics=("campaign.approved",)).endpoint.id

    for _ in range(2):
        handlers.send_test(
            world.endpoints, world.messages, world.clock, world.new_id, acme, endpoint_id=endpoint_id
        )
    world.send_due()

    bodies = [json.loads(body) for _, _, body in world.poster.posted]
    assert [body["type"] for body in bodies] == [TEST, TEST]
    assert bodies[0]["data"] == {"endpoint_id": endpoint_id}


# Managing


def test_a_brand_has_a_bounded_number_of_endpoints(world: World) -> None:
    for _ in range(MOST_ENDPOINTS):
        world.create()

    with pytest.raises(TooManyEndpoints):
        world.create()

    world.create(by=globex)


def test_a_list_is_paged_and_shows_no_secret(world: World) -> None:
    ids = [world.create().endpoint.id for _ in range(3)]

    first = handlers.list_endpoints(world.endpoints, world.clock, acme, limit=2, cursor=None)
    second = handlers.list_endpoints(world.endpoints, world.clock, acme, limit=2, cursor=first.next_cursor)

    assert [item.endpoint.id for item in (*first.items, *second.items)] == ids[::-1]
    assert second.next_cursor is None
    text = json.dumps(schemas.WebhookEndpointPage().dump(first))
    assert "secret" not in text.replace("former_secret_ends_at", "")
    assert "whsec_" not in text


def test_a_change_that_is_meant_for_another_version_is_refused(world: World) -> None:
    endpoint_id = world.create().endpoint.id

    with pytest.raises(PreconditionFailed):
        world.update(endpoint_id, description="Elsewhere", expected_versions=[7])

    assert world.update(endpoint_id, description="Elsewhere", expected_versions=[1]).endpoint.version == 2


def test_a_change_to_what_it_is_changes_nothing(world: World) -> None:
    endpoint_id = world.create().endpoint.id
    before = len(world.endpoints.events)

    world.update(endpoint_id, description="Accounting", enabled=True)

    assert len(world.endpoints.events) == before
    assert world.endpoint(endpoint_id).version == 1


def test_a_url_that_leads_inside_is_refused_when_it_is_registered_or_changed(world: World) -> None:
    endpoint_id = world.create().endpoint.id

    with pytest.raises(UrlRefused):
        world.create(url="https://169.254.169.254/")
    with pytest.raises(UrlRefused):
        world.update(endpoint_id, url="https://169.254.169.254/")


def test_events_that_do_not_exist_are_refused(world: World) -> None:
    with pytest.raises(UnknownTopic):
        world.create(topics=("campaign.approved", "campaign.exploded"))
    with pytest.raises(UnknownTopic):
        world.create(topics=(TEST,))


USES: list[Callable[[World, Principal, str], object]] = [
    lambda world, by, own: handlers.get_endpoint(world.endpoints, world.clock, by, endpoint_id=own),
    lambda world, by, own: handlers.update_endpoint(
        world.endpoints, world.clock, False, by, endpoint_id=own, enabled=False
    ),
    lambda world, by, own: handlers.rotate_secret(
        world.endpoints, world.clock, new_webhook_secret, by, endpoint_id=own
    ),
    lambda world, by, own: handlers.send_test(
        world.endpoints, world.messages, world.clock, world.new_id, by, endpoint_id=own
    ),
    lambda world, by, own: handlers.list_deliveries(
        world.endpoints, world.messages, by, endpoint_id=own, status=None, limit=1, cursor=None
    ),
    lambda world, by, own: handlers.replay_delivery(
        world.endpoints, world.messages, world.clock, by, endpoint_id=own, delivery_id="msg_1"
    ),
    lambda world, by, own: handlers.replay_parked(
        world.endpoints, world.messages, world.clock, by, endpoint_id=own
    ),
    lambda world, by, own: handlers.delete_endpoint(world.endpoints, by, endpoint_id=own),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (globex, EndpointNotFound),
        (Principal(ACME, "brand"), Forbidden),
        (Principal("str_nova", "streamer", frozenset({SCOPE})), Forbidden),
        (ANONYMOUS, Unauthenticated),
    ],
)
def test_an_endpoint_is_there_for_its_brand_alone(
    world: World, use: Callable[[World, Principal, str], object], by: Principal, refusal: type[Error]
) -> None:
    endpoint_id = world.create().endpoint.id
    before = world.endpoint(endpoint_id)

    with pytest.raises(refusal):
        use(world, by, endpoint_id)

    assert world.endpoint(endpoint_id) == before
