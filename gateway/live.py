"""Live streams: what happens on the broker, handed to the browsers that wait for it (server-sent events)."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Response

from chassis.errors import ServiceUnavailable

# A browser that has not read this many events is not reading at all: it is cut off and may come again.
BACKLOG = 100

# What nobody asked for during this time, nobody watches any more.
UNWATCHED_SECONDS = 60.0

# A browser that loses the stream comes back after two seconds.
OPENING = "retry: 2000\n\n"
HEARTBEAT = ": heartbeat\n\n"


class TooManyStreams(ServiceUnavailable):
    code = "too_many_streams"
    title = "Too many live streams are open"


@dataclass(frozen=True)
class Message:
    """One event on its way to a browser."""

    event: str
    data: dict[str, Any]

    def encode(self) -> str:
        return f"event: {self.event}\ndata: {json.dumps(self.data)}\n\n"


class Subscription:
    """A bounded queue of what happened on some topics since it was opened."""

    def __init__(self, hub: Hub, topics: Iterable[str]) -> None:
        self.topics = tuple(topics)
        self._hub = hub
        self._queue: queue.Queue[Message | None] = queue.Queue(BACKLOG + 1)
        self.is_open = True

    def offer(self, message: Message) -> None:
        if self._queue.qsize() < BACKLOG:
            self._queue.put_nowait(message)
        else:
            self.close()

    def next(self, timeout: float) -> Message | None:
        """The next message; None when there was none for `timeout` seconds or the subscription was closed."""
        try:
            return self._queue.get(timeout=max(timeout, 0)) if self.is_open else None
        except queue.Empty:
            return None

    def close(self) -> None:
        """Safe to call twice and from anywhere; wakes whoever waits."""
        self.is_open = False
        self._hub.remove(self)
        with suppress(queue.Full):
            self._queue.put_nowait(None)


class Hub:
    """Who waits for what, in this process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_topic: dict[str, set[Subscription]] = defaultdict(set)
        self._open: set[Subscription] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._open)

    def subscribe(self, *topics: str) -> Subscription:
        """Once the hub is closed, one that has ended: its stream tells the browser when to come again."""
        subscription = Subscription(self, topics)
        with self._lock:
            if self._is_closed:
                subscription.is_open = False
                return subscription
            if len(self._open) >= self._limit:
                raise TooManyStreams("Try again in a moment.", retry_after=5)
            self._open.add(subscription)
            for topic in subscription.topics:
                self._by_topic[topic].add(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription not in self._open:
                return
            self._open.remove(subscription)
            for topic in subscription.topics:
                self._by_topic[topic].discard(subscription)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    def publish(self, topic: str, message: Message) -> None:
        for subscription in self._waiting_for(topic):
            subscription.offer(message)

    def end(self, topic: str) -> None:
        """Close every subscription of a topic."""
        for subscription in self._waiting_for(topic):
            subscription.close()

    def end_all(self) -> None:
        with self._lock:
            subscriptions = list(self._open)
        for subscription in subscriptions:
            subscription.close()

    def close(self) -> None:
        """For a process that stops: every stream ends, and so does each that is opened from now on."""
        with self._lock:
            self._is_closed = True
        self.end_all()

    def _waiting_for(self, topic: str) -> list[Subscription]:
        with self._lock:
            return list(self._by_topic.get(topic, ()))


def follow(
    subscription: Subscription,
    *,
    heartbeat: float,
    lifetime: float,
    passes: Callable[[Message], bool] = lambda _: True,
    last: str = "",
) -> Iterator[str]:
    """The text of an event stream: messages that pass, as they come, and a comment when nothing came for
    `heartbeat` seconds. A message named `last` is the last one.
    """
    ends_at = time.monotonic() + lifetime
    yield OPENING
    while subscription.is_open and (left := ends_at - time.monotonic()) > 0:
        message = subscription.next(min(heartbeat, left))
        if message is None:
            yield HEARTBEAT
        elif passes(message):
            yield message.encode()
            if message.event == last:
                return


def poll(
    subscription: Subscription,
    read: Callable[[], Message],
    *,
    every: float,
    heartbeat: float,
    lifetime: float,
) -> Iterator[str]:
    """The text of an event stream of figures, read every `every` seconds and sent when they changed."""
    ends_at = time.monotonic() + lifetime
    yield OPENING
    sent, sent_at = "", time.monotonic()
    while subscription.is_open and time.monotonic() < ends_at:
        text = read().encode()
        if text != sent:
            yield text
            sent, sent_at = text, time.monotonic()
        elif time.monotonic() - sent_at >= heartbeat:
            yield HEARTBEAT
            sent_at = time.monotonic()
        subscription.next(every)


class Figures:
    """The latest answers to what streams watch, asked again when older than `fresh_seconds`.

    However many streams watch the same thing for the same account, its service is asked once per period.
    """

    def __init__(self, fresh_seconds: float) -> None:
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._entries: dict[Hashable, Entry] = {}

    def get(self, key: Hashable, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with self._lock:
            self._forget_unwatched()
            entry = self._entries.setdefault(key, Entry())
        with entry.lock:
            if time.monotonic() - entry.asked_at >= self._fresh_seconds:
                entry.answer, entry.asked_at = ask(), time.monotonic()
            return entry.answer

    def _forget_unwatched(self) -> None:
        oldest = time.monotonic() - UNWATCHED_SECONDS
        self._entries = {
            key: entry
            for key, entry in self._entries.items()
            if entry.asked_at > oldest or entry.lock.locked()
        }


class Entry:
    """One watched thing; its lock is held while its service is asked."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked_at = float("-inf")
        self.answer: dict[str, Any] = {}


def respond(subscription: Subscription, chunks: Iterator[str]) -> Response:
    """The subscription is closed when the browser is gone, even before it read anything."""
    response = Response(chunks, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    # Reverse proxies would hold events back until a buffer is full.
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(subscription.close)
    return response
