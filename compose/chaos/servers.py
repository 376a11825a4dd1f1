"""The servers on which chaos runs: where they are, and a virtual host of each run's own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from chassis.permissions import OPERATOR, permissions
from compose import broker, lifecycle
from compose.errors import ComposeError
from compose.layout import Layout
from compose.ports import AUTOMATIC
from compose.progress import say
from compose.stack import Stack
from compose.suites import without_presets
from compose.supervisor import Supervisor

RUN_DIR = ".run/chaos"
SECONDS_FOR_A_CALL = 20


@dataclass(frozen=True)
class Servers:
    """A broker that we administer and a MongoDB. `supervisor` is there when they may be killed."""

    amqp_uri: str
    api_uri: str
    mongo_uri: str
    supervisor: Supervisor | None = None
    broker_environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Servers:
        """Those of the test infrastructure, which other suites use too: they are not to be killed."""
        return cls(environ["AMQP_ADMIN_URI"], environ["RABBITMQ_API_URI"], environ["MONGO_URI"])

    @classmethod
    def of_stack(cls, stack: Stack) -> Servers:
        supervisor = Supervisor(stack.layout)
        return cls(
            stack.amqp_uri(OPERATOR),
            stack.rabbitmq_api_uri,
            stack.mongo_uri,
            supervisor,
            {"PATH": os.environ["PATH"], **broker.environment(stack.layout, stack.ports)},
        )

    def uri(self, vhost: str) -> str:
        return urlsplit(self.amqp_uri)._replace(path=f"/{vhost}").geturl()

    def make_vhost(self, vhost: str) -> None:
        self.api("PUT", f"/vhosts/{vhost}")
        self.api("PUT", f"/permissions/{vhost}/{OPERATOR}", permissions(OPERATOR))

    def drop_vhost(self, vhost: str) -> None:
        self.api("DELETE", f"/vhosts/{vhost}")

    def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One call of the management API, as the operator."""
        where = urlsplit(self.api_uri)
        answer = httpx.request(
            method,
            f"http://{where.hostname}:{where.port}/api{path}",
            auth=(where.username or "", where.password or ""),
            json={} if body is None and method == "PUT" else body,
            timeout=20,
        )
        return answer.raise_for_status()

    def listed(self, path: str) -> list[dict[str, Any]]:
        """A list of the management API; its figures are some seconds old."""
        found: list[dict[str, Any]] = self.api("GET", path).json()
        return found

    def tell_broker(self, call: str) -> None:
        """One Erlang call that answers ok, as rabbitmqctl makes it, without an Erlang machine to start."""
        assert self.supervisor is not None, "these servers belong to others too"
        done = subprocess.run(
            ["erl_call", "-n", self.broker_environment["RABBITMQ_NODENAME"], "-a", call],
            env=dict(self.broker_environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_FOR_A_CALL,
            check=True,
        )
        if done.stdout.strip() != "ok":
            raise ComposeError(f"the broker answered {call} with {done.stdout.strip()}")

    def kill(self, program: str) -> None:
        """kill -9; supervisord starts it again."""
        self.send(program, signal.SIGKILL)

    def send(self, program: str, number: signal.Signals) -> None:
        assert self.supervisor is not None, "these servers belong to others too"
        os.kill(self.supervisor.details()[program]["pid"], number)


@contextmanager
def private_stack(environ: Mapping[str, str], *, whole: bool) -> Iterator[Stack]:
    """Servers that only chaos uses and may kill, or a whole platform. What ran before stays up."""
    folder = environ.get("CHAOS_DIR", RUN_DIR) + ("/platform" if whole else "/servers")
    own = {**without_presets(environ), "RUN_DIR": folder, "PORT_OFFSET": AUTOMATIC}
    layout = Layout.of(own)
    was_up = Supervisor(layout).is_up()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield lifecycle.up(own, infrastructure_only=not whole)
    finally:
        if not was_up:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            lifecycle.down(layout)
            layout.remove_data()
            say(f"What ran in {folder} is stopped")
