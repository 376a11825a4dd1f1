"""How long each publish, call and send of a program takes, those included that never come back.

Only what took long is written down, a line each, so that measuring costs the program nothing.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "STOPWATCH_FILE"
WORTH_A_LINE = 0.5
SECONDS_BETWEEN_LOOKS = 1.0


class Stopwatch:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count()
        self._running: dict[int, tuple[str, float]] = {}

    def timed(self, what: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def work_on_time(*arguments: Any, **options: Any) -> Any:
            number, began = next(self._numbers), time.monotonic()
            self._running[number] = (what, began)
            try:
                return work(*arguments, **options)
            finally:
                del self._running[number]
                self._note(what, time.monotonic() - began)

        return work_on_time

    def look_for_ever(self) -> None:
        """What has not come back yet counts as well."""
        while True:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            for what, began in tuple(self._running.values()):
                self._note(what, time.monotonic() - began)

    def _note(self, what: str, seconds: float) -> None:
        if seconds >= WORTH_A_LINE:
            with self._path.open("a") as file:
                file.write(json.dumps({"what": what, "seconds": seconds}) + "\n")


def start_from_environment() -> None:
    if path := os.environ.get(VARIABLE):
        start(Stopwatch(Path(path)))


def start(watch: Stopwatch) -> None:
    """Measure everything by which a program waits for the broker, what its writers send included."""
    from chassis.amqp import Link
    from chassis.events.publisher import ConfirmedPublisher
    from chassis.rpc.client import RpcConnection
    from chassis.writer import Writer

    for owner, method, what in (
        (ConfirmedPublisher, "publish", "publish"),
        (RpcConnection, "call", "call"),
        (RpcConnection, "reply", "reply"),
        (Link, "ack", "acknowledge"),
        (Link, "reject", "reject"),
    ):
        setattr(owner, method, watch.timed(what, getattr(owner, method)))
    build = Writer.__init__

    def build_timed(self: Any, *arguments: Any) -> None:
        build(self, *arguments)
        self._send = watch.timed("send", self._send)

    Writer.__init__ = build_timed  # type: ignore[assignment,method-assign]
    threading.Thread(target=watch.look_for_ever, name="stopwatch", daemon=True).start()


def longest(path: Path) -> dict[str, float]:
    """The longest of each kind that a program has noted, in seconds."""
    found: dict[str, float] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        found[entry["what"]] = max(found.get(entry["what"], 0.0), round(entry["seconds"], 1))
    return found
