from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from chassis.testing import eventually
from gateway.tests.interface.browsing import address, browser, visitor

__all__ = ["address", "browser", "visitor"]

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gunicorn:
    def __init__(self, environ: dict[str, str], log: Path) -> None:
        port = free_port()
        self.log = log
        self.url = f"http://127.0.0.1:{port}"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "gateway/gunicorn.conf.py",
            "gateway.app:create_app()",
        ]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={
                    **os.environ,
                    **environ,
                    "GATEWAY_PORT": str(port),
                    "PYTHONPATH": os.pathsep.join(sys.path),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def is_ready(self) -> bool:
        # Several times, since each request may be taken by another worker.
        return all(httpx.get(f"{self.url}/health/ready").status_code == 200 for _ in range(8))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


@pytest.fixture
def gunicorn(broker: Any, settings_env: dict[str, str], tokens: Any, tmp_path: Path) -> Iterator[Gunicorn]:
    environ = settings_env | {
        "AMQP_URI": broker.uri("gateway"),
        "LOG_LEVEL": "INFO",
        "HEARTBEAT_SECONDS": "0.5",
        "MAX_UPLOAD_BYTES": "1000000",
        "RATE_LIMIT_FACTOR": "100",
        "TMPDIR": str(tmp_path),
    }
    running = Gunicorn(environ, tmp_path / "gunicorn.log")
    try:
        eventually(running.is_ready, deadline=90, every=0.2)
    except AssertionError:
        running.process.kill()
        raise AssertionError(running.log.read_text()) from None
    yield running
    if running.process.poll() is None:
        running.stop()


class OwnRedis:
    """A Redis without a memory of its own, to be killed or stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            eventually(lambda: is_there(client), deadline=15)

    def stop(self) -> None:
        """Connections to it stay open, and nothing comes back."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def is_there(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    running = OwnRedis(tmp_path)
    yield running
    running.kill()
