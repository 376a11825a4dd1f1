"""API keys at the door: a key is exchanged for a short token, which is what services see and verify.

A token is kept until shortly before it is over, so that identity is asked once in a quarter of an hour per
key and process. A revoked key's tokens are refused like those of any ended session, also the kept ones.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

BEGINS_WITH = "gtk_"
MOST_KEPT = 2_000

SECONDS_BEFORE_THE_END = 30
"""A token must not end on its way to a service and from there to the next one."""


class Exchange:
    """`ask` is identity's `exchange_api_key`; `now` counts seconds and never goes back."""

    def __init__(
        self, ask: Callable[[dict[str, Any]], dict[str, Any]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._now = now
        self._kept: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def token_for(self, key: str) -> str:
        """Raises what identity says of a key that is not valid."""
        digest = hashlib.sha256(key.encode()).digest()
        with self._lock:
            token, good_until = self._kept.get(digest, ("", 0.0))
        if self._now() < good_until:
            return token
        began = self._now()
        answer = self._ask({"key": key})
        token = str(answer["access_token"])
        self._keep(digest, token, began + answer["expires_in"] - SECONDS_BEFORE_THE_END)
        return token

    def _keep(self, digest: bytes, token: str, good_until: float) -> None:
        with self._lock:
            self._kept[digest] = (token, good_until)
            self._kept.move_to_end(digest)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
