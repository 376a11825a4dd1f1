"""One run's small platform: its virtual host, its databases, its processes and its client."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import amqp
import httpx
import pymongo

from chassis import failpoints
from chassis.rpc.client import RpcConnection
from compose.chaos import guards, stopwatch
from compose.chaos.journal import OK, Journal, compare
from compose.chaos.proxy import Proxy
from compose.chaos.servers import Servers
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.supervisor import MARK

SECONDS_TO_START = 40.0
SECONDS_TO_STOP = 15.0
SECONDS_WITHOUT_PROGRESS = 25.0
"""Longer than an abandoned transaction keeps rows of MongoDB to itself (10 s), and then the last attempt of
whoever met it (4 s, twice, and the delays between): that is what takes longest to pass."""

INHERITED = ("PATH", "LANG", "HOME", "TMPDIR")
QUEUES = ("chaos_taker.on_thing", "chaos_taker.on_things")
DEAD_LETTERS = ("chaos_taker.dead-letters", "chaos_maker.dead-letters")
TIMES = {"EVENT_RETRY_DELAYS": "0.2,0.5,1", "OUTBOX_SWEEP_SECONDS": "0.3", "OUTBOX_SWEEP_AGE_SECONDS": "1"}
"""Shorter than in production, so that what a crash leaves behind is swept up while we wait."""


@dataclass
class Child:
    """A process of ours. `log` is where it writes."""

    name: str
    service: str
    environment: Mapping[str, str]
    port: int
    process: subprocess.Popen[bytes]

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=3).status_code == 200
        except httpx.HTTPError:
            return False

    def has_answered(self) -> bool:
        """It is ready, or it never will be."""
        return self.is_ready or not self.is_alive

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Rig:
    """Leaving it ends every process that it started and removes what they stored."""

    servers: Servers
    folder: Path
    seed: int
    guard_off: str = ""
    say: Callable[[str], None] = lambda text: None
    patience: float = SECONDS_WITHOUT_PROGRESS
    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = f"chaos-{uuid.uuid4().hex[:10]}"
        self.random = random.Random(self.seed)  # noqa: S311  A seed reproduces a run; nothing is secret.
        self.uri = self.servers.uri(self.id)
        self.program_uri, self.program_mongo_uri = self.uri, self.servers.mongo_uri
        self.latest_answer = 0.0

    def __enter__(self) -> Rig:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.servers.make_vhost(self.id)
        self.journal = Journal(self.folder / f"{self.id}.journal")
        self.mongo: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
            self.servers.mongo_uri, retryReads=True, serverSelectionTimeoutMS=20_000
        )
        self.client = RpcConnection(self.uri, "chaos-client")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children.values():
            child.kill()
        self.client.close()
        self.journal.close()
        for service in ("maker", "taker"):
            self.mongo.drop_database(self._database(service))
        self.mongo.close()
        self.servers.drop_vhost(self.id)

    def connect_through(self, proxy: Proxy) -> None:
        """Programs and the client use this cable from now on; what we look with does not."""
        self.program_uri = at_port(self.uri, proxy.ports["rabbitmq"])
        self.program_mongo_uri = at_port(self.servers.mongo_uri, proxy.ports["mongo"])
        self.client.close()
        self.client = RpcConnection(self.program_uri, "chaos-client")

    # Processes

    def start(self, name: str, failpoint: str = "") -> Child:
        """Start `maker`, or `maker-2`: what is before the dash is the program. Does not wait for it."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        service = name.partition("-")[0]
        environment = {
            "AMQP_URI": self.program_uri,
            "MONGO_URI": self.program_mongo_uri,
            "DATABASE_PREFIX": f"{self.id}_",
            "HEALTH_PORT": str(port),
            guards.VARIABLE: self.guard_off,
            failpoints.VARIABLE: failpoint,
            stopwatch.VARIABLE: str(self.waits_of(name)),
            **TIMES,
        }
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        with (self.folder / f"{self.id}.{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "chassis", "run", f"compose.chaos.{service}"],
                cwd=REPOSITORY,
                env={**inherited, MARK: self.id, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.children[name] = Child(name, service, environment, port, process)
        return self.children[name]

    def waits_of(self, name: str) -> Path:
        """Where a program notes what took it long."""
        return self.folder / f"{self.id}.{name}.waits"

    def wait_ready(self, *names: str) -> None:
        wanted = [self.children[name] for name in names or self.children]
        for child in wanted:
            self.wait_until(child.has_answered, f"{child.name} is ready")
            if not child.is_alive:
                raise ComposeError(f"{child.name} ended; see {self.folder}/{self.id}.{child.name}.log")

    def start_all(self, *names: str) -> None:
        """The takers' queues are there before anything is made for them."""
        for name in names:
            self.start(name)
        self.wait_ready(*names)

    def wait_until(self, happened: Callable[[], bool], what: str, seconds: float = SECONDS_TO_START) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                raise ComposeError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.05)

    # The client

    def make(
        self, keys: list[str], *, refused: bool = False, timeout: float = 5.0, through: str = "maker"
    ) -> str:
        """One call of the maker, or of the taker that passes it on, with its two lines in the journal."""
        request = {"keys": keys, "refused": refused}
        started = time.monotonic()
        outcome = self.journal.call(
            keys, lambda: self.client.call(f"chaos_{through}", "make", request, timeout=timeout)
        )
        self.latest_answer = max(self.latest_answer, time.monotonic() - started - timeout)
        return outcome

    def one_more_is_handled(self, seconds: float) -> bool:
        """Make one thing. False when that is refused, an error when it is not handled in `seconds`."""
        key = f"one-more-{uuid.uuid4().hex[:10]}"
        if self.make([key], timeout=2) != OK:
            return False
        self.wait_until(lambda: self.is_noted(key), "it is handled", seconds)
        return True

    def seconds_to_go_on(self, longest: float) -> float:
        """Until one more thing is made and handled; twice the longest when that does not happen."""
        started = time.monotonic()
        try:
            self.wait_until(lambda: self.one_more_is_handled(longest), "work goes on", 2 * longest)
        except ComposeError:
            return 2 * longest
        return time.monotonic() - started

    # What happened

    def database(self, service: str) -> Any:
        return self.mongo[self._database(service)]

    def _database(self, service: str) -> str:
        return f"{self.id}_chaos_{service}"

    def stored(self) -> Counter[str]:
        return Counter(row["key"] for row in self.database("maker")["things"].find({}, {"key": 1}))

    def noted(self) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = {"single": Counter(), "batch": Counter()}
        for row in self.database("taker")["notes"].find({}, {"key": 1, "how": 1}):
            found[row["how"]][row["key"]] += 1
        return found

    def is_noted(self, key: str) -> bool:
        return all(notes[key] for notes in self.noted().values())

    def waiting(self) -> int:
        """Events that are not marked as published."""
        return sum(len(note["events"]) for note in self.database("maker")["unpublished"].find())

    def depths(self, *queues: str) -> dict[str, int]:
        """How many messages wait in each queue; what a consumer holds is not among them."""
        connection = self.connect()
        try:
            return {
                queue: int(connection.channel().queue_declare(queue, passive=True).message_count)
                for queue in queues
            }
        finally:
            connection.close()

    def connect(self) -> amqp.Connection:
        """A plain connection to this run's virtual host."""
        where = urlsplit(self.uri)
        connection = amqp.Connection(
            host=f"{where.hostname}:{where.port}",
            userid=where.username,
            password=where.password,
            virtual_host=self.id,
            connect_timeout=5,
        )
        connection.connect()
        return connection

    def violations(self) -> list[str]:
        """The journal against the books, once nothing moves any more."""
        self._settle()
        left = [
            f"{count} messages left in {queue}" for queue, count in self._stop_and_look().items() if count
        ]
        return [*self._compare(), *left]

    def _compare(self) -> list[str]:
        return compare(dict(self.journal.outcomes), self.stored(), self.noted())

    def _settle(self) -> None:
        """Until all agrees and nothing waits, or until nothing has changed for a while."""
        last: object = None
        changed = time.monotonic()
        while time.monotonic() - changed < self.patience:
            seen = (self._compare(), self.waiting())
            if seen == ([], 0):
                return
            if seen != last:
                last, changed = seen, time.monotonic()
            time.sleep(0.3)

    def _stop_and_look(self) -> dict[str, int]:
        """A process told to stop finishes what it holds, so that afterwards every message is counted."""
        for child in self.children.values():
            child.send(signal.SIGTERM)
        for child in self.children.values():
            try:
                child.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                child.kill()
        return self.depths(*QUEUES, *DEAD_LETTERS)


def at_port(uri: str, port: int) -> str:
    """The same URI, another port of this machine."""
    where = urlsplit(uri)
    login = f"{where.username}:{where.password}@" if where.username else ""
    return where._replace(netloc=f"{login}127.0.0.1:{port}").geturl()


def port_of(uri: str) -> int:
    port = urlsplit(uri).port
    assert port is not None, "our servers' URIs name their port"
    return port
