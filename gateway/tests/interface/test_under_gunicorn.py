"""The gateway as it is run: real gunicorn, two gevent workers, the real broker."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from chassis.times import rfc3339
from gateway.tests.conftest import BRAND
from gateway.tests.surface import SCOPES

ROOT = Path(__file__).parents[3]
TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


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
        "TMPDIR": str(tmp_path),
    }
    running = Gunicorn(environ, tmp_path / "gunicorn.log")
    try:
        eventually(running.is_ready, deadline=30, every=0.2)
    except AssertionError:
        running.process.kill()
        raise AssertionError(running.log.read_text()) from None
    yield running
    if running.process.poll() is None:
        running.stop()


def test_the_gateway_serves_streams_revokes_and_stops_under_gunicorn(
    gunicorn: Gunicorn, tokens: Any, stub_service: Callable[..., Any], publish_event: Callable[..., str]
) -> None:
    def headers(session_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'], session_id)}"}

    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    stub_service("asset", register_upload=lambda request: {"id": "ast_1", "size": request["size"]})
    stub_service("participation", overlay_channel=lambda _: {"channel": "chn_1"})
    with httpx.Client(base_url=gunicorn.url, timeout=10) as client:
        answers = serve_many(gunicorn.url, headers("ses_1"), 40)
        assert answers == {200}

        dashboard = client.get("/v1/dashboard", headers=headers("ses_1")).json()
        assert dashboard["parts"]["wallet"] == {"status": "ok", "data": {"account_id": BRAND}}

        kept = upload(client, headers("ses_1"), 900_000)
        assert (kept.status_code, kept.json()["size"]) == (201, 900_000)
        assert upload(client, headers("ses_1"), 1_100_000).json()["code"] == "asset.too_large"

        with client.stream("GET", f"/overlay/{TOKEN}/events") as stream:
            chunks = stream.iter_text()
            assert next(chunks).startswith("retry:")
            publish_event("participation", "manifest_changed", {"channel": "chn_1", "reason": "test"})
            assert eventually(lambda: "manifest_changed" in next(chunks))

        revoked = {
            "sid": "ses_1",
            "account_id": BRAND,
            "expires_at": rfc3339(datetime.now(UTC) + timedelta(minutes=15)),
        }
        publish_event("identity", "session_revoked", revoked)
        # By every worker: each connection of its own may reach another one.
        eventually(lambda: serve_many(gunicorn.url, headers("ses_1"), 10) == {401}, deadline=1.5)

        metrics = client.get("/metrics").text
        assert 'http_responses_total{method="GET",route="/v1/wallet",status="200"} 40.0' in metrics

    assert gunicorn.stop() == 0
    assert list(gunicorn.log.parent.glob("gateway-metrics-*")) == []
    log = gunicorn.log.read_text()
    assert TOKEN not in log
    assert any(line.get("route") == "/v1/wallet" and line.get("request_id") for line in gunicorn.lines())


def upload(client: httpx.Client, headers: dict[str, str], size: int) -> httpx.Response:
    file = ("banner.png", b"x" * size, "image/png")
    return client.post("/v1/assets", data={"kind": "creative"}, files={"file": file}, headers=headers)


def serve_many(url: str, headers: dict[str, str], count: int) -> set[int]:
    """The statuses of that many requests at once, each on a connection of its own."""
    statuses: set[int] = set()

    def ask() -> None:
        statuses.add(httpx.get(f"{url}/v1/wallet", headers=headers, timeout=10).status_code)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses
