"""Limits that two gevent workers hold together in a real Redis, which is then stopped and goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn, OwnRedis
from gateway.tests.surface import SCOPES

READS, WRITES = 400, 12
CLIENTS = 16


@pytest.fixture
def settings_env(settings_env: dict[str, str], own_redis: OwnRedis) -> dict[str, str]:
    # Longer than the test, so that no window ends within it.
    limits = f"read-account={READS}/600,write-account={WRITES}/600,read-address=off"
    return settings_env | {"REDIS_URL": own_redis.url, "RATE_LIMITS": limits}


def test_all_workers_together_hold_the_limits_and_go_on_while_redis_hangs(
    gunicorn: Gunicorn, own_redis: OwnRedis, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    stub_service(
        "participation", overlay_link=lambda _: {"url": "x"}, replace_overlay_link=lambda _: {"url": "y"}
    )

    def headers(kind: str, account: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.issue(kind, account, SCOPES[kind], 'ses_1')}"}

    brand, streamer = headers("brand", BRAND), headers("streamer", "str_1")
    spoofed = iter(range(10_000))

    def ask(method: str, path: str, as_: dict[str, str]) -> httpx.Response:
        # A connection for each request, so that it may reach either worker.
        own = {**as_, "X-Forwarded-For": f"203.0.113.{next(spoofed) % 250}"}
        return httpx.request(method, f"{gunicorn.url}{path}", headers=own, timeout=10)

    def burst(method: str, path: str, as_: dict[str, str], count: int) -> Counter[int]:
        with ThreadPoolExecutor(CLIENTS) as pool:
            return Counter(pool.map(lambda _: ask(method, path, as_).status_code, range(count)))

    served = burst("GET", "/v1/wallet", brand, READS + 100)
    assert READS <= served[200] <= READS * 1.05, served
    assert served[200] + served[429] == READS + 100
    assert burst("POST", "/v1/overlay-link", streamer, WRITES * 3) == {201: WRITES, 429: WRITES * 2}

    own_redis.stop()
    keyed = {**headers("streamer", "str_2"), "Idempotency-Key": "one"}
    started = time.monotonic()
    first = ask("POST", "/v1/overlay-link", keyed)
    assert (first.status_code, time.monotonic() - started < 3) == (201, True)
    eventually(lambda: ready(gunicorn)["limits"] == "local", deadline=10)
    answer = ask("GET", "/v1/overlay-link", headers("streamer", "str_3"))
    assert f'"read-account";q={READS // 2};w=600;gametriggers-local' in answer.headers["RateLimit-Policy"]
    assert metric(gunicorn, "gateway_rate_limits_degraded") >= 1
    # Nobody waits for a Redis that is known to hang.
    started = time.monotonic()
    assert burst("GET", "/v1/overlay-link", headers("streamer", "str_4"), 40) == {200: 40}
    assert time.monotonic() - started < 10

    own_redis.go_on()
    eventually(lambda: metric(gunicorn, "gateway_rate_limits_degraded") == 0, deadline=15)
    assert ask("POST", "/v1/overlay-link", streamer).status_code == 429
    messages = [line["message"] for line in gunicorn.lines()]
    assert any("no longer counted together" in message for message in messages)


def ready(gunicorn: Gunicorn) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gunicorn.url}/health/ready", timeout=10).json()
    return found


def metric(gunicorn: Gunicorn, name: str) -> float:
    lines = httpx.get(f"{gunicorn.url}/metrics", timeout=10).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))
