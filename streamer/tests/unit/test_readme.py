"""The README is what a newcomer believes."""

from __future__ import annotations

import inspect
from pathlib import Path

from chassis.event import Event
from streamer import events
from streamer.service import StreamerService

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_readme_names_every_entrypoint_and_every_event():
    classes = [value for _, value in inspect.getmembers(events, inspect.isclass) if issubclass(value, Event)]
    published = {value.type for value in classes if "type" in vars(value) and value is not Event}
    methods = {name for name, value in vars(StreamerService).items() if hasattr(value, "nameko_entrypoints")}

    assert len(methods) == 11
    assert [name for name in sorted(published | methods) if f"`{name}`" not in README] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 30
