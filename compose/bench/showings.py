"""Batches of showings, signed before the clock starts, and clients that do nothing but send them."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from compose.bench.crowd import Overlay
from compose.errors import ComposeError

BATCH = 50
SHOWING = timedelta(seconds=7)
"""One showing after the other fills nearly a day with ten thousand of them, and none is too old then."""

EARLIEST = timedelta(hours=23)
IN_FLIGHT = 32
"""So many batches are under way at once, whatever the number of overlays: more would only wait in a queue."""

RESENDS, RESEND_SECONDS = 60, 0.5

VISIBLE_MS = 1_500
"""Enough for an image to qualify."""


@dataclass
class Signer:
    """What an overlay would send, as fast as it can be computed: its showings take no time at all."""

    overlay: Overlay
    at: datetime = field(default_factory=lambda: datetime.now(UTC) - EARLIEST)
    seq: int = 0
    previous: str = ""

    def __post_init__(self) -> None:
        self.previous = self.overlay.session_id
        self.key = base64.urlsafe_b64decode(self.overlay.key + "=" * (-len(self.overlay.key) % 4))

    def request(self, host: str) -> bytes:
        """A whole HTTP request with the next batch."""
        body = json.dumps({"session_id": self.overlay.session_id, "deliveries": self.batch()}).encode()
        return post(host, f"/overlay/{self.overlay.token}/deliveries", body)

    def batch(self) -> list[dict[str, Any]]:
        return [self._next() for _ in range(BATCH)]

    def _next(self) -> dict[str, Any]:
        self.seq += 1
        ended = self.at + SHOWING
        delivery: dict[str, Any] = {
            "id": str(uuid.UUID(int=random.getrandbits(128), version=4)),
            "seq": self.seq,
            "participation_id": self.overlay.participation_id,
            "creative_id": self.overlay.creative_id,
            "started_at": wire_time(self.at),
            "ended_at": wire_time(ended),
            "visible_ms": VISIBLE_MS,
        }
        lines = "\n".join([self.previous, *map(str, delivery.values())])
        digest = hmac.digest(self.key, lines.encode(), hashlib.sha256)
        delivery["proof"] = self.previous = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        self.at = ended
        return delivery


def wire_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def post(host: str, path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def send(url: str, requests: Sequence[Sequence[bytes]], answer: bytes) -> None:
    """One client for each list; each sends its requests one after the other.

    As an overlay does, it sends again what was answered with 503. ComposeError when an answer is not
    `answer`: every showing has to be accepted, or to have been accepted by a try whose answer was lost.
    """
    asyncio.run(_send(url, requests, answer))


async def _send(url: str, requests: Sequence[Sequence[bytes]], answer: bytes) -> None:
    parts, turn = urlsplit(url), asyncio.Semaphore(IN_FLIGHT)
    async with asyncio.TaskGroup() as group:
        for own in requests:
            client = _Client(str(parts.hostname), parts.port or 80, answer, turn)
            group.create_task(client.run(own))


@dataclass
class _Client:
    host: str
    port: int
    answer: bytes
    turn: asyncio.Semaphore
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, requests: Sequence[bytes]) -> None:
        for request in requests:
            async with self.turn:
                await self._deliver(request)
        if self.streams is not None:
            self.streams[1].close()

    async def _deliver(self, request: bytes) -> None:
        for attempt in range(RESENDS):
            try:
                status, body = await self._exchange(request)
            except (asyncio.IncompleteReadError, ConnectionError):
                # A server may close a connection that was idle at the very moment of the next request.
                self.streams = None
                continue
            if body.strip() == self.answer or (attempt and _are_all_replayed(body)):
                return
            if status != b"503":
                raise ComposeError(f"{status.decode()}: {body[:300].decode(errors='replace')}")
            await asyncio.sleep(RESEND_SECONDS)
        raise ComposeError(f"a batch was not taken within {RESENDS} tries")

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        """Status and body of the answer."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self.streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        if b"connection: close" in head:
            writer.close()
            self.streams = None
        return head.split(b" ", 2)[1], body


def _are_all_replayed(body: bytes) -> bool:
    found = json.loads(body)
    reasons = [entry["reason"] for entry in found.get("refused", [])]
    return found.get("accepted") == 0 and reasons == ["replayed"] * BATCH


def shares(total: int, among: int) -> Iterator[int]:
    """`total` things given to so many, as evenly as it goes."""
    for position in range(among):
        yield total // among + (position < total % among)
