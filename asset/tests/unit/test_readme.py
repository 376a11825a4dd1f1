"""The README is what a newcomer believes."""

from __future__ import annotations

import inspect
from pathlib import Path

from asset import events
from asset.service import AssetService
from chassis.event import Event

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_readme_names_every_entrypoint_and_every_event():
    classes = [value for _, value in inspect.getmembers(events, inspect.isclass) if issubclass(value, Event)]
    published = {value.type for value in classes if "type" in vars(value) and value is not Event}
    methods = {name for name, value in vars(AssetService).items() if hasattr(value, "nameko_entrypoints")}

    assert (len(methods), len(published)) == (5, 3)
    assert [name for name in sorted(published | methods) if f"`{name}`" not in README] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 30
