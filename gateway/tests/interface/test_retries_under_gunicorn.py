"""Requests that are sent again: two gevent workers, a real broker, and a real Redis that dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from chassis.testing import eventually
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn, OwnRedis
from gateway.tests.surface import SCOPES

AT_ONCE = 24


@pytest.fixture
def settings_env(settings_env: dict[str, str], own_redis: OwnRedis) -> dict[str, str]:
    return settings_env | {"REDIS_URL": own_redis.url}


def test_a_request_that_is_sent_many_times_is_done_once_by_all_workers_together(
    gunicorn: Gunicorn, own_redis: OwnRedis, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    let_go = threading.Event()
    numbers = iter(range(1, 100))

    def deposit(_: dict[str, Any]) -> dict[str, str]:
        let_go.wait(10)
        return {"id": f"dep_{next(numbers)}"}

    payment = stub_service("payment", deposit=deposit)
    headers = {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'], 'ses_1')}"}

    def send(key: str, minor: int = 5000) -> httpx.Response:
        body = {"amount": {"amount_minor": minor, "currency": "USD"}, "provider": "sandbox"}
        return httpx.post(
            f"{gunicorn.url}/v1/wallet/deposits",
            json=body,
            headers={**headers, "Idempotency-Key": key},
            timeout=20,
        )

    def asked() -> list[str]:
        return [request["idempotency_key"] for request in payment.calls["deposit"]]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        sent = [pool.submit(send, "one") for _ in range(AT_ONCE)]
        eventually(lambda: sum(answer.done() for answer in sent) == AT_ONCE - 1, deadline=15)
        let_go.set()
        statuses = sorted(answer.result().status_code for answer in sent)
    assert statuses == [201] + [409] * (AT_ONCE - 1)

    replays = [send("one") for _ in range(8)]
    assert {(answer.status_code, answer.json()["id"]) for answer in replays} == {(201, "dep_1")}
    assert {answer.headers.get("Idempotency-Replayed") for answer in replays} == {"true"}
    assert send("one", 9900).status_code == 422
    assert asked() == ["one"]

    own_redis.kill()
    started = time.monotonic()
    unprotected = send("one")
    assert (unprotected.status_code, "Idempotency-Replayed" in unprotected.headers) == (201, False)
    assert time.monotonic() - started < 3
    assert asked() == ["one", "one"]

    own_redis.start()
    assert send("two").status_code == 201
    assert send("two").headers["Idempotency-Replayed"] == "true"
    assert asked() == ["one", "one", "two"]
