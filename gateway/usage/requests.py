"""Requests that are counted for their keys, and the days that are asked for."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Flask, Response, g

from chassis.errors import ValidationFailed
from gateway.state import state
from gateway.usage.store import DAYS_KEPT

DAYS_SHOWN = 30


def register(app: Flask) -> None:
    app.after_request(count_request)


def count_request(response: Response) -> Response:
    """For keys that exist: a made-up one belongs to nobody who could look."""
    if "key_id" in g:
        here = state()
        here.used.count(g.key_id, here.clock.now().date(), response.status_code)
    return response


def days_between(since: date | None, until: date | None, today: date) -> list[date]:
    """Both included; the last 30 when nothing is said. ValidationFailed for what is not kept."""
    oldest = today - timedelta(days=DAYS_KEPT - 1)
    last = until or max(today, since or today)
    must_be_kept("to", last, oldest)
    first = since or max(last - timedelta(days=DAYS_SHOWN - 1), oldest)
    must_be_kept("from", first, oldest)
    if not 0 <= (last - first).days < DAYS_KEPT:
        raise ValidationFailed("", {"to": [f"Must be up to {DAYS_KEPT - 1} days after the first day."]})
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def must_be_kept(field: str, day: date, oldest: date) -> None:
    """A zero would say that the key was not used then."""
    if day < oldest:
        raise ValidationFailed("", {field: [f"Is before {oldest}, the first day that is kept."]})
