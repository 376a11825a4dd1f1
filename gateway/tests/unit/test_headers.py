from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentry_sdk

from gateway.app import report_to_sentry
from gateway.logfilter import TokenFilter, without_token
from gateway.tests.conftest import Door

TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/wallet", "/nowhere", "/health/live", "/openapi.json"])
def test_every_response_is_hardened_and_has_a_request_id(door: Door, path: str) -> None:
    headers = door.client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Server" not in headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert len(headers["X-Request-Id"]) >= 8


@pytest.mark.parametrize("given", ["short", "x" * 65, "white space", "new\\nline; evil"])
def test_a_request_id_that_is_not_fit_for_a_log_is_replaced(door: Door, given: str) -> None:
    response = door.client.get("/health/live", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] != given


def test_a_trace_that_is_malformed_goes_nowhere(door: Door) -> None:
    door.client.get("/v1/wallet", headers={**door.as_("brand"), "traceparent": "00-evil"})

    assert door.services.contexts[-1].traceparent is None


def test_no_other_origin_may_read_unless_it_is_configured(door: Door) -> None:
    response = door.client.get("/health/live", headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_configured_origin_may_read_and_asks_first(make_door: Callable[..., Door]) -> None:
    door = make_door(cors_origins=("https://portal.example",))

    allowed = door.client.options("/v1/wallet/deposits", headers={"Origin": "https://portal.example"})
    refused = door.client.options("/v1/wallet/deposits", headers={"Origin": "https://portal.example.evil"})

    assert allowed.headers["Access-Control-Allow-Origin"] == "https://portal.example"
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert refused.headers["Vary"] == "Origin"


def test_over_tls_browsers_are_told_to_stay_there(make_door: Callable[..., Door]) -> None:
    door = make_door(public_url="https://play.example")

    response = door.client.get("/health/live")

    assert "max-age" in response.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("suffix", ["", "/manifest", "/events", "/nowhere"])
def test_no_log_line_holds_an_overlay_token(
    door: Door, caplog: pytest.LogCaptureFixture, suffix: str
) -> None:
    door.services.answers["participation.manifest"] = RuntimeError("broken")
    door.services.answers["participation.overlay_channel"] = RuntimeError("broken")

    with caplog.at_level(logging.DEBUG):
        door.client.get(f"/overlay/{TOKEN}{suffix}")

    assert f"/overlay/[token]{suffix}" in caplog.text
    assert TOKEN not in caplog.text


def test_the_filter_takes_tokens_out_of_foreign_lines() -> None:
    record = logging.LogRecord(
        "gunicorn.error", 40, "", 0, "Error handling request %s", (f"/overlay/{TOKEN}/x?y",), None
    )

    TokenFilter().filter(record)

    assert record.getMessage() == "Error handling request /overlay/[token]/x?y"
    assert without_token(f"GET /OVERLAY/{TOKEN}") == "GET /OVERLAY/[token]"


def test_a_token_written_with_too_many_slashes_is_kept_out_of_logs_too() -> None:
    assert without_token(f"GET /overlay//{TOKEN}/manifest") == "GET /overlay//[token]/manifest"


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What would be sent to Sentry."""
    sent: list[bytes] = []
    start = sentry_sdk.init

    class Recorder(sentry_sdk.transport.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope.serialize())

    monkeypatch.setattr(sentry_sdk, "init", lambda **options: start(transport=Recorder, **options))
    report_to_sentry("https://key@sentry.example/1")
    yield sent
    start()


def test_a_report_of_a_bug_says_where_but_holds_no_token_and_no_body(
    door: Door, reports: list[bytes]
) -> None:
    door.services.answers["participation.post_deliveries"] = RuntimeError("a bug")

    response = door.client.post(
        f"/overlay/{TOKEN}/deliveries", json={"session_id": "a-secret", "deliveries": []}
    )

    assert response.status_code == 500
    report = b"".join(reports)
    assert b"/overlay/[token]/deliveries" in report
    assert TOKEN.encode() not in report
    assert b"a-secret" not in report
