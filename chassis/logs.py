"""Structured logs: one JSON object a line, with the ids that tie a line to its call."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO

import orjson

from chassis.context import current

GATHER_SECONDS = 0.05
"""Shorter than anybody who reads along notices; at a thousand lines a second, fifty of them."""

MOST_CHARACTERS = 2048
"""Below PIPE_BUF (4,096 bytes on Linux), even where each takes two bytes; few lines of ours are longer."""

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}


class JsonFormatter(logging.Formatter):
    def __init__(self, service: str = "") -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        context = current()
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": context.request_id,
            "trace_id": context.traceparent.split("-")[1] if context.traceparent else None,
        }
        given = vars(record)
        line.update({key: given[key] for key in given.keys() - _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _one_line({k: v for k, v in line.items() if v is not None})


@lru_cache(maxsize=2)
def _second(epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch))


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Writes lines a dozen at a time; a warning is written at once, with all that came before it.

    A line written alone costs a system call here and wakes whoever collects the logs. A process that is
    killed takes the lines of its last GATHER_SECONDS with it, none of which was a warning.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: deque[str] = deque()
        self._is_due = False
        self._alarm = threading.Lock()
        self._alarm.acquire()
        threading.Thread(target=self._run, name="logs", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(f"{self.format(record)}\n")
            if record.levelno >= logging.WARNING:
                self.flush()
            elif not self._is_due:
                self._is_due = True
                self._alarm.release()
        except Exception:  # noqa: BLE001  As in the library: a log line fails nobody.
            self.handleError(record)

    def flush(self) -> None:
        """Several processes may share one pipe: what is not larger than PIPE_BUF is not torn apart there."""
        self.acquire()
        try:
            while self._lines:
                piece = self._lines.popleft()
                while self._lines and len(piece) + len(self._lines[0]) <= MOST_CHARACTERS:
                    piece += self._lines.popleft()
                self.stream.write(piece)
                self.stream.flush()
        finally:
            self.release()

    def _run(self) -> None:
        while True:
            self._alarm.acquire()
            time.sleep(GATHER_SECONDS)
            self._is_due = False
            # Whoever read our lines may be gone, and come back.
            with suppress(OSError, ValueError):
                self.flush()


def configure(service: str, level: str = "INFO") -> None:
    """Send the whole process's logs to standard error as JSON.

    Nameko logs every refused call with a stack trace; chassis logs what went wrong itself.
    """
    handler = GatheringHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    # No line of ours names its thread, process or source line; finding the last one out walks up the stack.
    # https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logging.getLogger("nameko").setLevel(logging.CRITICAL)
    for chatty in ("amqp", "httpx", "httpcore", "pymongo", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _one_line(values: dict[str, Any]) -> str:
    try:
        return orjson.dumps(values, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Half a surrogate pair or a number beyond 64 bits; a log takes what it is given.
        return json.dumps(values, default=str, ensure_ascii=False)


def configure_sentry(dsn: str, service: str, scrub: Callable[[str], str] = str) -> None:
    """Report logged exceptions to Sentry; does nothing without a DSN.

    No bodies and no variables are sent; `scrub` takes secrets out of every text that is, addresses included.
    """
    if not dsn:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        server_name=service,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=lambda event, _hint: _each_text(event, scrub),
    )


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(inner, change) for inner in value]
    return value
