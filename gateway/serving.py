"""When a worker process begins to take requests and when it stops, as the application sees it."""

from __future__ import annotations

from flask import Flask
from prometheus_client import Gauge

from gateway.admission import Admission
from gateway.door import Door
from gateway.state import EXTENSION, State

WORKERS = Gauge(
    "gateway_worker_ready",
    "1 for a worker that takes requests, 0 for one that stops",
    # One figure per living process, so that a rolling restart sees when the new ones are there.
    multiprocess_mode="liveall",
)


def is_ready(app: Flask) -> bool:
    return state_of(app).is_ready


def begin() -> None:
    WORKERS.set(1)


def end(app: Flask) -> None:
    """Streams end between two events, and their browsers come again to another worker."""
    WORKERS.set(0)
    state_of(app).hub.close()


def finish(app: Flask) -> None:
    """The last thing that a process does, when nobody asks it any more."""
    state_of(app).used.run_once()


def door_of(app: Flask) -> Door:
    admission: Admission = app.wsgi_app  # type: ignore[assignment]
    return admission.door


def state_of(app: Flask) -> State:
    found: State = app.extensions[EXTENSION]
    return found
