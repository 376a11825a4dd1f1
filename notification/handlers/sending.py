"""Use cases without a user: an event becomes messages, and a message that is due is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.clock import Clock
from chassis.event import ReceivedEvent
from chassis.ids import NewId
from chassis.races import retried
from notification.domain.topics import TOPICS
from notification.domain.webhooks import Attempt, ConcurrentUpdate, Message, Policy, body_of
from notification.handlers.webhooks import Endpoints, Messages


class DueMessages(Protocol):
    def lease(
        self, now: datetime, until: datetime, *, of: str | None = None, except_of: Collection[str] = ()
    ) -> tuple[Message, str] | None:
        """Takes a message that is due, with a token; nobody else is given it before `until`.

        `of` is the endpoint that it has to be for, `except_of` are those that it must not be for.
        """

    def save(self, message: Message, token: str) -> None:
        """Gives the message back. Without effect when the lease was lost to somebody else."""

    def drop(self, message: Message, token: str) -> None: ...


class Poster(Protocol):
    def post(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Attempt:
        """One request, which raises nothing and takes no longer than half of a lease."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What it takes to send. `jitter` gives factors around 1, so that retries of one outage spread."""

    endpoints: Endpoints
    messages: DueMessages
    poster: Poster
    clock: Clock
    policy: Policy
    jitter: Callable[[], float]

    def lease(self, of: str | None = None, except_of: Collection[str] = ()) -> tuple[Message, str] | None:
        now = self.clock.now()
        return self.messages.lease(now, now + self.policy.lease, of=of, except_of=except_of)


def enqueue(
    endpoints: Endpoints, messages: Messages, clock: Clock, new_id: NewId, event: ReceivedEvent
) -> None:
    """To be called in the transaction that remembers the event as handled."""
    topic = TOPICS.get((event.source, event.type))
    if topic is None:
        return
    body = body_of(topic.name, event.time, topic.data_of(event))
    now = clock.now()
    for endpoint_id in endpoints.subscribers(event.data[topic.brand], topic.name):
        messages.add(Message(new_id("msg"), endpoint_id, topic.name, body, event.id, now, now))


def send(sending: Sending, message: Message, token: str) -> bool:
    """Attempts once, and says whether the endpoint may be sent its next message at once.

    A crash after the receiver has accepted and before the message is saved is the one way to send it twice;
    its id is the same then, and tells the receiver.
    """
    endpoint = sending.endpoints.get(message.endpoint_id)
    if endpoint is None:
        sending.messages.drop(message, token)
        return True
    if not endpoint.enabled:
        message.park()
        sending.messages.save(message, token)
        return True
    now = sending.clock.now()
    attempt = sending.poster.post(
        endpoint.url, endpoint.headers_for(message, now), message.body.encode(), now
    )
    message.record(attempt, sending.policy.delays, sending.jitter())
    sending.messages.save(message, token)
    retried(lambda: note(sending, endpoint.id, attempt), ConcurrentUpdate)
    return attempt.succeeded


def note(sending: Sending, endpoint_id: str, attempt: Attempt) -> None:
    """Remembers how the endpoint does, when that has changed."""
    endpoint = sending.endpoints.get(endpoint_id)
    if endpoint is None:
        return
    before = (endpoint.failing_since, endpoint.enabled)
    events = endpoint.note(attempt, sending.policy.patience)
    if (endpoint.failing_since, endpoint.enabled) != before:
        sending.endpoints.save(endpoint, events)
