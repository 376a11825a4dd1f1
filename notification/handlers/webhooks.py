"""Use cases of a brand's owner: endpoints, their secrets, what was sent to them and what is sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chassis.clock import Clock
from chassis.event import Event
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import ScopedCaller
from chassis.versions import Expected, must_be_expected
from notification.domain.addresses import check_url
from notification.domain.topics import TEST
from notification.domain.webhooks import (
    PARKED,
    SCOPE,
    DeliveryNotFound,
    Endpoint,
    EndpointNotFound,
    Message,
    NotParked,
    body_of,
    check_topics,
)

NewSecret = Callable[[], str]


class Endpoints(Protocol):
    def add(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        """TooManyEndpoints when the brand has as many as it may, also when several are made at once."""

    def get(self, endpoint_id: str) -> Endpoint | None: ...

    def save(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it is not the version that was loaded."""

    def delete(self, endpoint: Endpoint, events: Sequence[Event]) -> None:
        """Its messages stay until they are due or too old; nobody can look at them any more."""

    def of_brand(self, brand_id: str, after: str | None, limit: int) -> list[Endpoint]:
        """Newest first, starting below the id `after`."""

    def subscribers(self, brand_id: str, topic: str) -> list[str]:
        """The ids of the brand's enabled endpoints that want this."""


class Messages(Protocol):
    def add(self, message: Message) -> None:
        """Without effect when the endpoint has a message of this source event."""

    def get(self, endpoint_id: str, message_id: str) -> Message | None: ...

    def of_endpoint(
        self, endpoint_id: str, status: str | None, after: str | None, limit: int
    ) -> list[Message]:
        """Newest first, starting below the id `after`."""

    def replay(self, endpoint_id: str, message_id: str | None, now: datetime) -> int:
        """Makes a parked message due anew, or all of them when none is named; says how many."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint as its owner sees it; `secret` is told once, when it is made or rotated."""

    endpoint: Endpoint
    former_secret_ends: datetime | None
    secret: str = field(default="", repr=False)

    @property
    def events(self) -> list[str] | None:
        """None is every event."""
        return list(self.endpoint.topics) or None


def create_endpoint(
    endpoints: Endpoints,
    clock: Clock,
    new_id: NewId,
    new_secret: NewSecret,
    allow_local: bool,
    by: ScopedCaller,
    *,
    url: str,
    description: str,
    topics: Sequence[str],
    enabled: bool,
) -> Shown:
    must_manage(by)
    check_url(url, allow_local=allow_local)
    now = clock.now()
    endpoint = Endpoint(
        new_id("whe"), by.id, url, description, check_topics(topics), new_secret(), now, now, enabled=enabled
    )
    endpoints.add(endpoint, endpoint.created())
    return Shown(endpoint, None, endpoint.secret)


def get_endpoint(endpoints: Endpoints, clock: Clock, by: ScopedCaller, *, endpoint_id: str) -> Shown:
    return shown(own_endpoint(endpoints, by, endpoint_id), clock)


def list_endpoints(
    endpoints: Endpoints, clock: Clock, by: ScopedCaller, *, limit: int, cursor: str | None
) -> Page[Shown]:
    must_manage(by)
    found = endpoints.of_brand(by.id, after_in(cursor), limit + 1)
    page = page_of(found, limit, lambda endpoint: [endpoint.id])
    return Page([shown(endpoint, clock) for endpoint in page.items], page.next_cursor)


def update_endpoint(
    endpoints: Endpoints,
    clock: Clock,
    allow_local: bool,
    by: ScopedCaller,
    *,
    endpoint_id: str,
    expected_versions: Expected = None,
    **values: Any,
) -> Shown:
    endpoint = own_endpoint(endpoints, by, endpoint_id)
    must_be_expected(endpoint.version, expected_versions)
    if "url" in values:
        check_url(values["url"], allow_local=allow_local)
    if "topics" in values:
        values["topics"] = check_topics(values["topics"])
    events = endpoint.change(clock.now(), **values)
    if events:
        endpoints.save(endpoint, events)
    return shown(endpoint, clock)


def delete_endpoint(endpoints: Endpoints, by: ScopedCaller, *, endpoint_id: str) -> None:
    endpoint = own_endpoint(endpoints, by, endpoint_id)
    endpoints.delete(endpoint, endpoint.deleted())


def rotate_secret(
    endpoints: Endpoints, clock: Clock, new_secret: NewSecret, by: ScopedCaller, *, endpoint_id: str
) -> Shown:
    endpoint = own_endpoint(endpoints, by, endpoint_id)
    events = endpoint.rotate(new_secret(), clock.now())
    endpoints.save(endpoint, events)
    return Shown(endpoint, endpoint.former_until, endpoint.secret)


def send_test(
    endpoints: Endpoints,
    messages: Messages,
    clock: Clock,
    new_id: NewId,
    by: ScopedCaller,
    *,
    endpoint_id: str,
) -> Message:
    """Goes the way of every event, and whatever the endpoint has chosen."""
    endpoint = own_endpoint(endpoints, by, endpoint_id)
    endpoint.must_be_enabled()
    message_id, now = new_id("msg"), clock.now()
    body = body_of(TEST, now, {"endpoint_id": endpoint.id})
    message = Message(message_id, endpoint.id, TEST, body, f"test:{message_id}", now, now)
    messages.add(message)
    return message


def list_deliveries(
    endpoints: Endpoints,
    messages: Messages,
    by: ScopedCaller,
    *,
    endpoint_id: str,
    status: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Message]:
    own_endpoint(endpoints, by, endpoint_id)
    found = messages.of_endpoint(endpoint_id, status, after_in(cursor), limit + 1)
    return page_of(found, limit, lambda message: [message.id])


def replay_delivery(
    endpoints: Endpoints,
    messages: Messages,
    clock: Clock,
    by: ScopedCaller,
    *,
    endpoint_id: str,
    delivery_id: str,
) -> Message:
    endpoint = own_endpoint(endpoints, by, endpoint_id)
    delivery = own_delivery(messages, endpoint, delivery_id)
    endpoint.must_be_enabled()
    if delivery.status != PARKED or not messages.replay(endpoint_id, delivery_id, clock.now()):
        raise NotParked(f"It is {delivery.status}.")
    return own_delivery(messages, endpoint, delivery_id)


def replay_parked(
    endpoints: Endpoints, messages: Messages, clock: Clock, by: ScopedCaller, *, endpoint_id: str
) -> int:
    own_endpoint(endpoints, by, endpoint_id).must_be_enabled()
    return messages.replay(endpoint_id, None, clock.now())


def must_manage(by: ScopedCaller) -> None:
    by.must_be("brand")
    by.must_have(SCOPE)


def own_endpoint(endpoints: Endpoints, by: ScopedCaller, endpoint_id: str) -> Endpoint:
    must_manage(by)
    endpoint = endpoints.get(endpoint_id)
    if endpoint is None or not by.owns(endpoint.brand_id):
        raise EndpointNotFound()
    return endpoint


def own_delivery(messages: Messages, endpoint: Endpoint, delivery_id: str) -> Message:
    message = messages.get(endpoint.id, delivery_id)
    if message is None:
        raise DeliveryNotFound()
    return message


def shown(endpoint: Endpoint, clock: Clock) -> Shown:
    return Shown(endpoint, endpoint.former_secret_ends(clock.now()))


def after_in(cursor: str | None) -> str | None:
    return str(decode_cursor(cursor, str)[0]) if cursor else None
