from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from chassis.errors import Conflict
from chassis.testing import eventually
from chassis.testing.services import Tokens
from chassis.times import rfc3339
from gateway.app import create_app
from gateway.settings import GatewaySettings
from gateway.state import EXTENSION
from gateway.tests.conftest import BRAND
from gateway.tests.surface import SCOPES


@pytest.fixture
def tokens(stub_service: Callable[..., Any]) -> Tokens:
    """With them comes an identity that remembers one session that was ended, on its second page."""
    issued = Tokens()
    ended = {"sid": "ses_ended", "account_id": BRAND, "expires_at": rfc3339(soon())}

    def revoked_sessions(request: dict[str, Any]) -> dict[str, Any]:
        items = [ended] if request["cursor"] else []
        return {"items": items, "next_cursor": None if request["cursor"] else "second"}

    stub_service("identity", jwks=issued.jwks, revoked_sessions=revoked_sessions)
    return issued


@pytest.fixture
def app(broker: Any, settings_env: dict[str, str], tokens: Any) -> Iterator[Flask]:
    environ = settings_env | {"AMQP_URI": broker.uri("gateway"), "LIVE_POLL_SECONDS": "0.1"}
    environ |= {"TOKEN_KEYS_POLL_SECONDS": "0.2"}
    app = create_app(GatewaySettings.from_environ(environ))
    state = app.extensions[EXTENSION]
    eventually(lambda: state.is_ready)
    yield app
    state.connection.close()
    state.listener.stop()


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=15)


def brand(tokens: Any, session_id: str = "ses_1") -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.issue('brand', BRAND, SCOPES['brand'], session_id)}"}


def test_a_request_goes_through_the_broker_to_its_service_and_back(
    app: Flask, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    payment = stub_service("payment", wallet=lambda _: {"account_id": BRAND, "balances": {}})
    headers = brand(tokens) | {"X-Request-Id": "request-17"}

    response = app.test_client().get("/v1/wallet", headers=headers)

    assert (response.status_code, response.json) == (200, {"account_id": BRAND, "balances": {}})
    assert payment.contexts["wallet"][0]["auth_token"] == headers["Authorization"].removeprefix("Bearer ")
    assert payment.contexts["wallet"][0]["request_id"] == "request-17"


def test_a_refusal_crosses_the_broker_as_a_problem(
    app: Flask, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    class InsufficientFunds(Conflict):
        code, title = "campaign.insufficient_funds", "There is not enough money"

    def activate(_: dict[str, Any]) -> dict[str, Any]:
        raise InsufficientFunds("50.00 USD are missing", missing={"amount_minor": 5000, "currency": "USD"})

    stub_service("campaign", activate=activate)

    response = app.test_client().post("/v1/campaigns/cmp_1/activate", headers=brand(tokens))

    assert (response.status_code, response.json["code"]) == (409, "campaign.insufficient_funds")
    assert response.json["missing"] == {"amount_minor": 5000, "currency": "USD"}


def test_a_service_that_is_not_there_is_known_at_once(app: Flask, tokens: Any) -> None:
    response = app.test_client().get("/v1/wallet", headers=brand(tokens))

    assert (response.status_code, response.json["code"]) == (503, "service_unavailable")


def test_a_session_that_is_ended_is_refused_within_a_second(
    app: Flask, tokens: Any, stub_service: Callable[..., Any], publish_event: Callable[..., str]
) -> None:
    stub_service("payment", wallet=lambda _: {})
    headers, client = brand(tokens, "ses_2"), app.test_client()
    assert client.get("/v1/wallet", headers=headers).status_code == 200

    ended = {"sid": "ses_2", "account_id": BRAND, "expires_at": rfc3339(soon())}
    publish_event("identity", "session_revoked", ended)

    eventually(lambda: client.get("/v1/wallet", headers=headers).status_code == 401, deadline=1)
    assert client.get("/v1/wallet", headers=brand(tokens, "ses_3")).status_code == 200


def test_a_session_that_was_ended_before_this_process_began_is_refused(
    app: Flask, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {})
    headers, client = brand(tokens, "ses_ended"), app.test_client()

    eventually(lambda: client.get("/v1/wallet", headers=headers).status_code == 401, deadline=1)


def test_tokens_of_a_key_that_is_withdrawn_are_refused_once_the_keys_are_read_again(
    app: Flask, tokens: Tokens, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {})
    stolen, client = brand(tokens), app.test_client()
    assert client.get("/v1/wallet", headers=stolen).status_code == 200

    tokens.withdraw_key()

    eventually(lambda: client.get("/v1/wallet", headers=stolen).status_code == 401, deadline=5)
    assert client.get("/v1/wallet", headers=brand(tokens)).status_code == 200


def test_an_event_on_the_broker_reaches_the_browser(
    app: Flask, tokens: Any, publish_event: Callable[..., str]
) -> None:
    response = app.test_client().get("/v1/notifications/live", headers=brand(tokens))
    chunks = response.response
    next(chunks)

    data = {"notification_id": "ntf_1", "account_id": BRAND, "kind": "campaign_approved", "title": "Approved"}
    publish_event("notification", "notification_created", data)

    assert next(chunks).startswith(b"event: notification\n")
    response.close()


def test_a_dashboard_does_not_wait_for_a_part_that_is_down(
    app: Flask, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    stub_service("campaign", list=lambda _: {"items": [], "next_cursor": None})

    response = app.test_client().get("/v1/dashboard", headers=brand(tokens))

    parts = response.json["parts"]
    assert parts["wallet"]["data"] == {"account_id": BRAND}
    assert parts["campaigns"]["data"]["items"] == []
    assert parts["notifications"] == {"status": "unavailable", "code": "service_unavailable"}


def test_the_keys_are_the_published_ones(app: Flask, tokens: Any) -> None:
    response = app.test_client().get("/.well-known/jwks.json")

    assert response.json == tokens.jwks()
    assert "max-age" in response.headers["Cache-Control"]
