"""How chaos learns for how long a program waited."""

import threading

import pytest

from chassis.testing import eventually
from compose.chaos import stopwatch
from compose.chaos.stopwatch import Stopwatch, longest


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch, "WORTH_A_LINE", 0.05)
    monkeypatch.setattr(stopwatch, "SECONDS_BETWEEN_LOOKS", 0.05)
    return tmp_path / "waits"


def test_what_is_quick_is_not_noted(path):
    Stopwatch(path).timed("call", lambda: None)()

    assert longest(path) == {}


def test_the_longest_of_each_kind_is_told(path):
    watch = Stopwatch(path)

    for seconds in (0.1, 0.3, 0.1):
        watch.timed("call", threading.Event().wait)(seconds)

    assert longest(path)["call"] >= 0.3
    assert set(longest(path)) == {"call"}


def test_what_does_not_come_back_is_told_as_well(path):
    watch, comes_back = Stopwatch(path), threading.Event()
    threading.Thread(target=watch.timed("send", comes_back.wait), daemon=True).start()
    threading.Thread(target=watch.look_for_ever, daemon=True).start()

    assert eventually(lambda: longest(path)["send"] >= 0.2)
    comes_back.set()
