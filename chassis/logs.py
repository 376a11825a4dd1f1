"""Structured logs: one JSON object a line, with the ids that tie a line to its call."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from chassis.context import current

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
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": context.request_id,
            "trace_id": context.traceparent.split("-")[1] if context.traceparent else None,
        }
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _one_line({k: v for k, v in line.items() if v is not None})


def configure(service: str, level: str = "INFO") -> None:
    """Send the whole process's logs to standard error as JSON.

    Nameko logs every refused call with a stack trace; chassis logs what went wrong itself.
    """
    handler = logging.StreamHandler(sys.stderr)
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
