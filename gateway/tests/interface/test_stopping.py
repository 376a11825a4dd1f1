"""What clients notice of a worker that stops: nothing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from chassis.testing import eventually
from chassis.testing.services import Tokens
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn
from gateway.tests.surface import SCOPES
from gateway.usage.store import RedisUsage

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


KEY_ID = "key_01jd2e7z5pf3rs8w6r8q6v2k21"
KEY = f"gtk_01jd2e7z5pf3rs8w6r8q6v2k21_{'k' * 43}"


@pytest.fixture
def tokens(stub_service: Callable[..., Any]) -> Tokens:
    """Of people, and of one API key."""
    issued = Tokens()

    def exchange(_: Any) -> dict[str, Any]:
        token = issued.issue("brand", BRAND, SCOPES["brand"], KEY_ID)
        return {"access_token": token, "expires_in": 900}

    stub_service("identity", jwks=issued.jwks, exchange_api_key=exchange)
    return issued


def test_a_gateway_told_to_stop_answers_what_it_holds_counts_it_and_ends_its_streams(
    gunicorn: Gunicorn, tokens: Tokens, stub_service: Callable[..., Any], settings_env: dict[str, str]
) -> None:
    def headers(session_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'], session_id)}"}

    asked = threading.Semaphore(0)

    def slow_wallet(_: Any) -> dict[str, str]:
        asked.release()
        time.sleep(2)
        return {"account_id": BRAND}

    stub_service("payment", wallet=slow_wallet)
    stub_service("participation", overlay_channel=lambda _: {"channel": "chn_1"})
    with ThreadPoolExecutor(20) as pool, httpx.Client(base_url=gunicorn.url) as idle:
        idle.get("/health/live")
        streams = [Stream(gunicorn.url) for _ in range(5)]
        reading = [pool.submit(stream.read) for stream in streams]
        assert all(stream.has_begun.wait(10) for stream in streams)
        wallets = [
            # Each with a token of its own: equal reads would be one call.
            pool.submit(httpx.get, f"{gunicorn.url}/v1/wallet", headers=headers(f"ses_{number}"), timeout=15)
            for number in range(9)
        ]
        of_a_key = {"Authorization": f"Bearer {KEY}"}
        wallets.append(pool.submit(httpx.get, f"{gunicorn.url}/v1/wallet", headers=of_a_key, timeout=15))
        assert all(asked.acquire(timeout=10) for _ in wallets)
        told = time.monotonic()

        status = gunicorn.stop()

        assert time.monotonic() - told < 10
        assert status == 0
        assert [wallet.result().status_code for wallet in wallets] == [200] * 10
        assert [stream.result() for stream in reading] == ["ended"] * 5
    assert requests_of_the_key(settings_env) == 1
    log = gunicorn.log.read_text()
    assert "SIGKILL" not in log
    assert "Socket error" not in log


def test_workers_are_replaced_under_load_without_a_failed_request(
    gunicorn: Gunicorn, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    headers = {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'])}"}
    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    stub_service("participation", overlay_channel=lambda _: {"channel": "chn_1"})
    first = eventually(lambda: len(workers(gunicorn)) == 2 and workers(gunicorn), deadline=20)

    with asking_all_the_time(gunicorn.url, headers) as outcomes:
        # One after the other: a signal that arrives twice at once counts once.
        for count in (3, 4):
            gunicorn.process.send_signal(signal.SIGTTIN)
            eventually(lambda count=count: len(workers(gunicorn)) == count, deadline=40, every=0.2)
        for count in (3, 2):
            gunicorn.process.send_signal(signal.SIGTTOU)
            eventually(lambda count=count: len(workers(gunicorn)) == count, deadline=20, every=0.2)
        assert not workers(gunicorn) & first
        seen = len(outcomes)
        eventually(lambda: len(outcomes) > seen + 20, deadline=20)

    assert [outcome for outcome in outcomes if outcome not in ("200", "ended")] == []
    assert outcomes.count("ended") >= 2
    assert gunicorn.stop() == 0


def requests_of_the_key(settings_env: dict[str, str]) -> int:
    usage = RedisUsage(settings_env["REDIS_URL"], f"{settings_env['DATABASE_PREFIX']}gateway:usage:")
    today = datetime.now(UTC).date()
    # It may have been yesterday when it was asked.
    days = usage.of(KEY_ID, [today - timedelta(days=1), today])
    usage.close()
    return sum(day.requests for day in days)


class Stream:
    """An event stream and how it ended: when it was cut off, httpx tells."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.has_begun = threading.Event()

    def read(self) -> str:
        try:
            with httpx.stream("GET", f"{self._url}/overlay/{TOKEN}/events", timeout=20) as response:
                for _ in response.iter_text():
                    self.has_begun.set()
                return "ended" if response.is_success else str(response.status_code)
        except httpx.HTTPError as error:
            return repr(error)


@contextmanager
def asking_all_the_time(url: str, headers: dict[str, str]) -> Iterator[list[str]]:
    """Clients that keep their connection, clients that do not, and streams that come again."""
    outcomes: list[str] = []
    finished = threading.Event()

    def keep_asking() -> None:
        with httpx.Client(headers=headers, timeout=15) as client:
            while not finished.wait(0.02):
                outcomes.append(outcome_of(client.get, f"{url}/v1/wallet"))

    def ask_anew() -> None:
        while not finished.wait(0.02):
            outcomes.append(outcome_of(httpx.get, f"{url}/v1/wallet", headers=headers, timeout=15))

    def watch() -> None:
        stream = Stream(url)
        while not finished.wait(0.02):
            outcomes.append(stream.read())

    threads = [
        threading.Thread(target=target, daemon=True)
        for target in (keep_asking, keep_asking, keep_asking, ask_anew, watch, watch)
    ]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        finished.set()
        for thread in threads[:4]:
            thread.join()


def outcome_of(ask: Callable[..., httpx.Response], *arguments: Any, **options: Any) -> str:
    try:
        return str(ask(*arguments, **options).status_code)
    except httpx.HTTPError as error:
        return repr(error)


def workers(gunicorn: Gunicorn) -> set[str]:
    """The processes that take requests, as the metrics have them."""
    text = httpx.get(f"{gunicorn.url}/metrics").text
    return {
        sample.labels["pid"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "gateway_worker_ready" and sample.value == 1
    }
