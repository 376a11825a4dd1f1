"""Keeps the tokens in overlay addresses out of logs.

It imports nothing of ours, since gunicorn's master process loads it and is not patched by gevent.
"""

from __future__ import annotations

import logging
import re

OVERLAY_TOKEN = re.compile(r"(/overlay/+)[^/?#\s]+", re.IGNORECASE)


def without_token(text: str) -> str:
    """An overlay link's token is a key: no log holds it."""
    return OVERLAY_TOKEN.sub(r"\1[token]", text)


class TokenFilter(logging.Filter):
    """For the lines of others, such as gunicorn's about a failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = without_token(record.getMessage())
        record.args = ()
        return True
