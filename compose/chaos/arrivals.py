"""Requests that arrive when they are due, however long the answers take, from a process of its own.

Each takes a connection that nobody uses, or opens another one: whoever is slow to answer gets no rest by
it. What is measured begins when the request was due, so it contains what the generator is late by. That
shares the processors with the platform, so it asks the kernel to run first, which only root may.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from compose.chaos.visitors import HUNG, SECONDS_TO_GIVE_UP, Answer
from compose.layout import REPOSITORY

LOWEST_REAL_TIME = 1
"""Before every process that is no real-time process. It needs a few hundredths of a processor."""

MOST_CONNECTIONS = 3000
"""Fewer than two workers of the gateway take."""

END_OF_HEAD = b"\r\n\r\n"
READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Ask:
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Arrivals:
    """`rate` requests a second at random moments, or as many as `clients` get answered, one after the other.

    Of `fresh` of all requests each comes on a connection of its own, which it closes.
    """

    url: str
    asks: Sequence[Ask]
    seconds: float
    rate: float = 0.0
    clients: int = 0
    fresh: float = 0.0
    seed: int = 1


@dataclass(frozen=True)
class Came:
    """What came, and how well the generator did: `late_p95` is in seconds."""

    answers: Sequence[Answer]
    late_p95: float
    runs_first: bool
    processor_percent: int

    def of(self, *statuses: str) -> list[Answer]:
        return [answer for answer in self.answers if answer.status in statuses]


def come(arrivals: Arrivals) -> Came:
    """Blocks until the last one is answered, or has given up."""
    done = subprocess.run(
        [sys.executable, "-m", "compose.chaos.arrivals"],
        cwd=REPOSITORY,
        input=json.dumps(asdict(arrivals)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=arrivals.seconds + 2 * SECONDS_TO_GIVE_UP,
    )
    told = json.loads(done.stdout)
    return Came(**{**told, "answers": [Answer(*answer) for answer in told["answers"]]})


@dataclass
class Client:
    """A connection, and the request that waits on it."""

    connection: socket.socket
    request: bytes = b""
    path: str = ""
    due: float = 0.0
    closes: bool = False
    is_connected: bool = False
    received: bytes = b""

    def is_answered(self) -> str:
        """The status when all of the answer is there, else nothing."""
        head, separator, body = self.received.partition(END_OF_HEAD)
        if not separator:
            return ""
        head = head.lower()
        if len(body) < int(head.split(b"content-length:")[1].split(b"\r\n")[0]):
            return ""
        self.closes = self.closes or b"connection: close" in head
        return head[9:12].decode()


@dataclass
class Generator:
    arrivals: Arrivals
    answers: list[Answer] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts = urlsplit(self.arrivals.url)
        self._address = (str(parts.hostname), int(parts.port or 80))
        self._host = parts.netloc
        self._random = random.Random(self.arrivals.seed)  # noqa: S311  A seed repeats a run.
        self._asks = itertools.cycle(self.arrivals.asks)
        self._poll = select.epoll()
        self._busy: dict[int, Client] = {}
        self._idle: deque[Client] = deque()

    def run(self) -> None:
        ends = time.monotonic() + self.arrivals.seconds
        due = time.monotonic()
        for _ in range(self.arrivals.clients):
            self._send(due)
        while self.arrivals.rate and due < ends:
            self._receive(due)
            self._send(due)
            due += self._random.expovariate(self.arrivals.rate)
        while self.arrivals.clients and time.monotonic() < ends:
            for _ in range(self._receive_once(ends)):
                self._send(time.monotonic())
        give_up = time.monotonic() + SECONDS_TO_GIVE_UP
        while self._busy and time.monotonic() < give_up:
            self._receive_once(give_up)
        for client in list(self._busy.values()):
            self._end(client, HUNG)

    def _receive(self, until: float) -> None:
        while time.monotonic() < until:
            self._receive_once(until)

    def _receive_once(self, until: float) -> int:
        """How many answers came; waits for one, but no longer than `until`."""
        before = len(self.answers)
        for descriptor, _ in self._poll.poll(max(until - time.monotonic(), 0)):
            if client := self._busy.get(descriptor):
                self._look(client)
        return len(self.answers) - before

    def _send(self, due: float) -> None:
        ask = next(self._asks)
        closes = self._random.random() < self.arrivals.fresh
        request = self._bytes(ask, closes)
        if self._idle and not closes:
            client = self._idle.popleft()
            client.request, client.path, client.due, client.received = request, ask.path, due, b""
            self._busy[client.connection.fileno()] = client
        elif len(self._busy) >= MOST_CONNECTIONS:
            self.answers.append(Answer(ask.path, "no connection", due, 0.0))
            return
        else:
            client = self._open(request, ask.path, due, closes)
        self.late.append(time.monotonic() - due)
        self._write(client)

    def _bytes(self, ask: Ask, closes: bool) -> bytes:
        own = {"Host": self._host, **ask.headers, **({"Connection": "close"} if closes else {})}
        lines = [f"GET {ask.path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _open(self, request: bytes, path: str, due: float, closes: bool) -> Client:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(self._address)
        client = Client(connection, request, path, due, closes)
        self._busy[connection.fileno()] = client
        self._poll.register(connection, select.EPOLLIN | select.EPOLLOUT)
        return client

    def _write(self, client: Client) -> None:
        """A connection that is not there yet says when it is."""
        if not client.is_connected:
            return
        try:
            client.connection.send(client.request)
        except OSError as error:
            self._end(client, type(error).__name__)

    def _look(self, client: Client) -> None:
        if not client.is_connected:
            if failed := client.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._end(client, os.strerror(failed))
                return
            client.is_connected = True
            self._poll.modify(client.connection, select.EPOLLIN)
            self._write(client)
            return
        try:
            data = client.connection.recv(READ_BYTES)
        except OSError as error:
            self._end(client, type(error).__name__)
            return
        client.received += data
        if not data:
            self._end(client, "closed")
        elif status := client.is_answered():
            self._end(client, status)

    def _end(self, client: Client, status: str) -> None:
        self.answers.append(Answer(client.path, status, client.due, time.monotonic() - client.due))
        del self._busy[client.connection.fileno()]
        if client.closes or not status.isdecimal():
            self._poll.unregister(client.connection)
            client.connection.close()
        else:
            self._idle.append(client)


def main() -> None:
    given: dict[str, Any] = json.load(sys.stdin)
    given["asks"] = [Ask(**ask) for ask in given["asks"]]
    runs_first = may_run_first()
    generator = Generator(Arrivals(**given))
    began = time.monotonic()
    generator.run()
    own = os.times()
    late = sorted(generator.late)
    told = {
        "answers": [(a.path, a.status, a.at, a.seconds) for a in generator.answers],
        "late_p95": late[int(len(late) * 0.95)],
        "runs_first": runs_first,
        "processor_percent": round(100 * (own.user + own.system) / (time.monotonic() - began)),
    }
    json.dump(told, sys.stdout)


def may_run_first() -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(LOWEST_REAL_TIME))
    except PermissionError:
        return False
    return True


if __name__ == "__main__":
    main()
