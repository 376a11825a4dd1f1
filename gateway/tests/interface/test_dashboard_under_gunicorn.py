"""A dashboard over real processes: one is stopped, another one is frozen, and the rest is there in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import ROOT, Gunicorn
from gateway.tests.surface import SCOPES

DASHBOARD_SECONDS = 2.0
# For everything but the services: the machine may be busy.
SLACK_SECONDS = 2.0


class Service:
    """A service as it is run."""

    def __init__(self, name: str, environ: dict[str, str], log: Path) -> None:
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chassis", "run", name],
                cwd=ROOT,
                env={**os.environ, **environ},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        self.process.wait(15)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def services(broker: Any, settings_env: dict[str, str], tmp_path: Path) -> Iterator[dict[str, Service]]:
    running = {
        name: Service(name, settings_env | {"AMQP_URI": broker.uri(name)}, tmp_path / f"{name}.log")
        for name in ("campaign", "notification")
    }
    yield running
    for service in running.values():
        service.kill()


def test_what_is_stopped_or_frozen_is_marked_and_the_rest_is_there_in_time(
    gunicorn: Gunicorn, services: dict[str, Service], tokens: Any, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    headers = {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'], 'ses_1')}"}

    def parts() -> dict[str, Any]:
        started = time.monotonic()
        answer = httpx.get(f"{gunicorn.url}/v1/dashboard", headers=headers, timeout=30)
        assert answer.status_code == 200
        assert time.monotonic() - started < DASHBOARD_SECONDS + SLACK_SECONDS
        return {name: part["status"] for name, part in answer.json()["parts"].items()}

    everything = {"wallet": "ok", "campaigns": "ok", "notifications": "ok"}
    eventually(lambda: parts() == everything, deadline=60)

    services["notification"].signal(signal.SIGSTOP)
    assert parts() == everything | {"notifications": "unavailable"}

    services["campaign"].stop()
    assert parts() == everything | {"notifications": "unavailable", "campaigns": "unavailable"}

    services["notification"].signal(signal.SIGCONT)
    eventually(lambda: parts() == everything | {"campaigns": "unavailable"}, deadline=30)
