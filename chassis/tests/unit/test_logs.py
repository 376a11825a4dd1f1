from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from chassis.logs import JsonFormatter


def a_line(message: str = "done", **extra: Any) -> str:
    record = logging.LogRecord("chassis.x", logging.WARNING, "", 0, message, (), None)
    record.__dict__.update(extra)
    return JsonFormatter("sample").format(record)


def test_a_line_is_one_json_object_with_what_was_added_to_it() -> None:
    line = a_line("on\nhold", campaign="cmp_1", error=ValueError("why"))

    found = json.loads(line)
    assert "\n" not in line
    assert (found["level"], found["service"], found["message"]) == ("warning", "sample", "on\nhold")
    assert (found["campaign"], found["error"]) == ("cmp_1", "why")


@pytest.mark.parametrize("odd", [2**80, "half a pair: \ud800", {1: "a"}], ids=["number", "text", "key"])
def test_a_line_is_written_whatever_it_is_given(odd: Any) -> None:
    found = json.loads(a_line(odd=odd))

    assert found["message"] == "done"
    assert "odd" in found
