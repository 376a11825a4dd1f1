"""The gateway as it is run: real gunicorn, two gevent workers, the real broker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from chassis.testing import eventually
from chassis.times import rfc3339
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn
from gateway.tests.surface import SCOPES

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


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
