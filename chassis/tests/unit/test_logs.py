from __future__ import annotations

import json
import logging
import select
from io import StringIO
from typing import Any

import pytest

from chassis.logs import GatheringHandler, JsonFormatter
from chassis.testing import eventually


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


class Pipe(StringIO):
    """Counts what is a system call on a real one."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def log(pipe: Pipe) -> logging.Logger:
    logger = logging.Logger("chassis.x")
    handler = GatheringHandler(pipe)
    handler.setFormatter(JsonFormatter("sample"))
    logger.addHandler(handler)
    return logger


def messages(pipe: Pipe) -> list[str]:
    return [json.loads(line)["message"] for line in pipe.getvalue().splitlines()]


def test_lines_that_come_at_once_are_written_together_and_in_order(log: logging.Logger, pipe: Pipe) -> None:
    for number in range(5):
        log.info("%d", number)

    assert pipe.writes == []
    eventually(lambda: messages(pipe) == ["0", "1", "2", "3", "4"])
    assert len(pipe.writes) == 1

    log.info("later")
    eventually(lambda: messages(pipe)[-1] == "later")


def test_a_warning_is_written_at_once_after_what_came_before_it(log: logging.Logger, pipe: Pipe) -> None:
    log.info("before")
    log.warning("careful")

    assert messages(pipe) == ["before", "careful"]


def test_what_shares_a_pipe_with_others_is_written_in_whole_lines_and_small_pieces(
    log: logging.Logger, pipe: Pipe
) -> None:
    for number in range(100):
        log.info("%d", number)
    log.handlers[0].flush()

    assert len(pipe.writes) > 1
    for piece in pipe.writes:
        assert piece.endswith("}\n")
        assert len(piece.encode()) <= select.PIPE_BUF
    assert messages(pipe) == [str(number) for number in range(100)]
