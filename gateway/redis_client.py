"""Redis as the counts of this gateway ask it: near, and not worth waiting for."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Whoever waits for it longer than this is better served without.
TIMEOUT_SECONDS = 0.25


def impatient(url: str) -> redis.Redis:
    """Tried again once, for connections that died while they were idle, and not when Redis hangs."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )
