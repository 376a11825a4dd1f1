"""Prometheus metrics that every process exposes. Times are seconds."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

RPC_SERVER_SECONDS = Histogram(
    "rpc_server_seconds", "Time to serve an RPC", ["method", "outcome"], buckets=_BUCKETS
)
RPC_CLIENT_SECONDS = Histogram(
    "rpc_client_seconds", "Time to get an answer", ["service", "method", "outcome"], buckets=_BUCKETS
)
EVENT_HANDLER_SECONDS = Histogram(
    "event_handler_seconds", "Time to handle an event", ["handler", "outcome"], buckets=_BUCKETS
)
EVENTS_PUBLISHED = Counter("events_published_total", "Events that the broker confirmed", ["type"])
EVENTS_UNROUTABLE = Counter(
    "events_unroutable_total", "Events that found no queue, to be tried again", ["type"]
)
DEAD_LETTERS = Counter("dead_letters_total", "Messages given up", ["queue", "reason"])
SAGA_STEPS = Counter("saga_steps_total", "Steps of sagas", ["saga", "step", "outcome"])
HUB_LAG_SECONDS = Gauge("hub_lag_seconds", "How late the event loop ran a timer")


@lru_cache(maxsize=4096)
def observed(histogram: Histogram, *labels: str) -> Histogram:
    """The histogram with these labels. The library's own look-up takes a lock and builds a key each time."""
    return histogram.labels(*labels)
