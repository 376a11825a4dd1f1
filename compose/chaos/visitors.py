"""Many HTTP clients that read at a pace of their own, however long the answers take, in one thread.

Each keeps a connection, and waits for an answer before it asks again: there have to be enough of
them for the rate that is wanted.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SECONDS_TO_GIVE_UP = 30.0
"""Far beyond every deadline of the platform."""

HUNG = "hung"


@dataclass(frozen=True)
class Answer:
    """`status` is a number as text, or what went wrong instead; `at` is when the request was sent."""

    path: str
    status: str
    at: float
    seconds: float


@dataclass(frozen=True)
class Plan:
    """`rate` is requests a second of all clients together."""

    url: str
    headers: Mapping[str, str]
    paths: Sequence[str]
    clients: int
    rate: float

    @property
    def interval(self) -> float:
        return self.clients / self.rate

    def request(self, path: str) -> bytes:
        own = {"Host": urlsplit(self.url).netloc, **self.headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Visit:
    """What the clients of a plan were told, as it comes in."""

    plan: Plan
    answers: list[Answer] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self.plan.clients)))

    async def _client(self, number: int) -> None:
        plan = self.plan
        requests = [(path, plan.request(path)) for path in plan.paths]
        connection: Connection | None = None
        due = time.monotonic() + random.random() * plan.interval  # noqa: S311  Spreads the clients.
        while not self.over.is_set():
            await asyncio.sleep(max(due - time.monotonic(), 0))
            due = max(due + plan.interval, time.monotonic())
            path, request = requests[number % len(requests)]
            number += 1
            at = time.monotonic()
            try:
                async with asyncio.timeout(SECONDS_TO_GIVE_UP):
                    connection = connection or await Connection.open(plan.url)
                    status = await connection.ask(request)
            except TimeoutError:
                status = HUNG
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                status = type(error).__name__
            if not status.isdecimal() or (connection and connection.is_closing):
                await close(connection)
                connection = None
            self.answers.append(Answer(path, status, at, time.monotonic() - at))
        await close(connection)


@dataclass
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_closing: bool = False

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def ask(self, request: bytes) -> str:
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        self.is_closing = b"connection: close" in head
        return head[9:12].decode()


async def close(connection: Connection | None) -> None:
    if connection is not None:
        connection.writer.close()
        with suppress(OSError):
            await connection.writer.wait_closed()


@contextmanager
def visiting(plan: Plan) -> Iterator[Visit]:
    """They come while the block is run."""
    visit = Visit(plan)
    thread = threading.Thread(target=lambda: asyncio.run(visit.run()), daemon=True)
    thread.start()
    try:
        yield visit
    finally:
        visit.over.set()
        thread.join()


def share(answers: Sequence[Answer], percent: float) -> float:
    """The seconds within which this share of the answers came; 0 when there is none."""
    ordered = sorted(answer.seconds for answer in answers)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] if ordered else 0.0
