"""The broker's management API, as far as an operator's commands read it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from compose.errors import ComposeError
from compose.operations.access import Access

SECONDS_PER_QUESTION = 10


class Management:
    """One virtual host of the broker. Its figures are up to five seconds old."""

    def __init__(self, access: Access) -> None:
        if not access.api_uri:
            raise ComposeError(
                "AMQP_URI is set, so the broker is somebody else's; ask that one's own management tools."
            )
        parts = urlsplit(access.api_uri)
        self._vhost = quote(access.vhost, safe="")
        self._client = httpx.Client(
            base_url=f"{parts.scheme}://{parts.hostname}:{parts.port}/api",
            auth=(parts.username or "", parts.password or ""),
            timeout=SECONDS_PER_QUESTION,
        )

    def __enter__(self) -> Management:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._client.close()

    def queues(self) -> list[dict[str, Any]]:
        return self._get(f"/queues/{self._vhost}")

    def routing_keys(self) -> dict[str, set[str]]:
        """The keys under which queues are bound, by exchange."""
        keys: defaultdict[str, set[str]] = defaultdict(set)
        for binding in self._get(f"/bindings/{self._vhost}"):
            keys[binding["source"]].add(binding["routing_key"])
        return keys

    def _get(self, path: str) -> list[dict[str, Any]]:
        answer = self._client.get(path)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found
