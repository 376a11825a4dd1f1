import os
import subprocess
import sys
import time
from contextlib import closing

import pytest

from chassis.amqp import Link
from chassis.errors import ServiceUnavailable
from chassis.rpc.client import RpcConnection
from compose import lifecycle
from compose.layout import REPOSITORY


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A private broker as `make up TLS=1` makes it; the other servers are the suites' own."""
    environ = {
        "RUN_DIR": str(tmp_path_factory.mktemp("secured")),
        "PORT_OFFSET": "auto",
        "TLS": "1",
        "DATABASE_URL": os.environ["POSTGRES_ADMIN_URL"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "MONGO_URI": os.environ["MONGO_URI"],
    }
    stack = lifecycle.up(environ, infrastructure_only=True)
    yield stack
    lifecycle.down(stack.layout)


class Vault:
    """A service in a process of its own, on the secured broker under payment's certificate."""

    def __init__(self, secured):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chassis", "run", "compose.tests.tls.vault"],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "AMQP_URI": secured.amqp_uri("payment")},
            stderr=subprocess.DEVNULL,
        )
        self._operator = RpcConnection(secured.amqp_uri("operator"), "operator")
        self._wait_until_it_answers()

    @property
    def transfers(self):
        return self._operator.call("payment", "count", {}, timeout=2)["transfers"]

    def stop(self):
        self._operator.close()
        self._process.terminate()
        self._process.wait(10)

    def _wait_until_it_answers(self):
        until = time.monotonic() + 30
        while True:
            try:
                return self.transfers
            except ServiceUnavailable:
                assert time.monotonic() < until, "the service did not start"
                time.sleep(0.1)


@pytest.fixture(scope="module")
def vault(secured):
    running = Vault(secured)
    yield running
    running.stop()


@pytest.fixture
def call():
    """call(uri): payment's transfer, asked for over that address."""

    def ask(uri):
        with closing(RpcConnection(uri, Link(uri, "", lambda connection: None).user)) as connection:
            return connection.call("payment", "transfer", {}, timeout=3)

    return ask
