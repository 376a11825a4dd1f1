from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chassis.errors import ServiceUnavailable
from gateway.sessions import CatchUp, RevokedSessions
from gateway.tests.conftest import BRAND, NOW, Door


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer not.a.token", "Bearer " + "x" * 5000, "Token abc"],
)
def test_what_is_no_bearer_token_is_refused(door: Door, header: str) -> None:
    response = door.client.get("/v1/wallet", headers={"Authorization": header})

    assert (response.status_code, response.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "claims",
    [{"iss": "somebody"}, {"aud": "another-api"}, {"exp": 1}, {"sid": None}],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(door: Door, claims: dict[str, object]) -> None:
    token = door.issued.issue("brand", BRAND, ["wallet:read"], **claims)

    response = door.client.get("/v1/wallet", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code == 401


def test_a_token_without_the_scope_is_told_which_one_is_missing(door: Door) -> None:
    token = door.issued.issue("brand", BRAND, ["campaigns:read"])

    response = door.client.get("/v1/wallet", headers={"Authorization": f"Bearer {token}"})

    assert (response.status_code, response.json["code"]) == (403, "missing_scope")
    assert "wallet:read" in response.json["detail"]


def test_a_revoked_session_is_refused(door: Door) -> None:
    headers = door.as_("brand", session_id="ses_1")
    door.state.revoked.add("ses_1", NOW + timedelta(minutes=15))

    response = door.client.get("/v1/wallet", headers=headers)

    assert (response.status_code, response.json["code"]) == (401, "session_revoked")


def test_a_token_that_was_let_in_before_is_refused_once_its_session_is_revoked(door: Door) -> None:
    headers = door.as_("brand", session_id="ses_1")
    assert door.client.get("/v1/wallet", headers=headers).status_code == 200
    door.state.revoked.add("ses_1", NOW + timedelta(minutes=15))

    response = door.client.get("/v1/wallet", headers=headers)

    assert (response.status_code, response.json["code"]) == (401, "session_revoked")


def test_another_session_of_the_same_account_goes_on(door: Door) -> None:
    door.state.revoked.add("ses_1", NOW + timedelta(minutes=15))

    response = door.client.get("/v1/wallet", headers=door.as_("brand", session_id="ses_2"))

    assert response.status_code == 200


def test_revoked_sessions_are_forgotten_once_their_tokens_are_over(door: Door) -> None:
    sessions = RevokedSessions(door.state.clock)
    sessions.add("ses_1", NOW - timedelta(seconds=1))

    sessions.add("ses_2", NOW + timedelta(minutes=15))

    assert "ses_1" not in sessions
    assert len(sessions) == 1


def test_the_token_travels_to_the_service_with_the_request_id_and_the_trace(door: Door) -> None:
    token = door.token("brand")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    door.client.get(
        "/v1/wallet",
        headers={"Authorization": f"Bearer {token}", "X-Request-Id": "my-request-1", "traceparent": trace},
    )

    context = door.services.contexts[-1]
    assert (context.auth_token, context.request_id, context.traceparent) == (token, "my-request-1", trace)


def test_a_request_without_a_token_passes_none_on(door: Door) -> None:
    client = door.client
    client.get("/v1/wallet", headers=door.as_("brand"))

    client.get("/v1/brands/brd_1")

    assert door.services.contexts[-1].auth_token is None


def test_the_idempotency_key_of_the_client_is_passed_on(door: Door) -> None:
    headers = {**door.as_("brand"), "Idempotency-Key": "order-17"}
    body = {"amount": {"amount_minor": 50000, "currency": "USD"}, "provider": "sandbox"}

    door.client.post("/v1/wallet/deposits", headers=headers, json=body)

    assert door.services.last == ("payment.deposit", {**body, "idempotency_key": "order-17"})


def test_without_a_key_every_request_gets_one_of_its_own(door: Door) -> None:
    body = {"amount": {"amount_minor": 50000, "currency": "USD"}, "provider": "sandbox"}

    for _ in range(2):
        door.client.post("/v1/wallet/deposits", headers=door.as_("brand"), json=body)

    keys = {request["idempotency_key"] for _, request in door.services.calls}
    assert len(keys) == 2


@pytest.mark.parametrize("key", ["", "k" * 201, "two words", "kéy"])
def test_a_key_that_is_none_is_refused(door: Door, key: str) -> None:
    body = {"amount": {"amount_minor": 50000, "currency": "USD"}, "provider": "sandbox"}

    response = door.client.post(
        "/v1/wallet/deposits", headers={**door.as_("brand"), "Idempotency-Key": key}, json=body
    )

    assert response.status_code == 422
    assert "Idempotency-Key" in response.json["errors"]


def pages(*answers: dict[str, Any] | Exception) -> tuple[CatchUp, list[Any], list[dict[str, Any]]]:
    """A catch-up with what it asked for and what it learnt; identity gives these answers one by one."""
    given = iter(answers)
    asked: list[Any] = []
    learnt: list[dict[str, Any]] = []

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["cursor"])
        answer = next(given)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return CatchUp(ask, learnt.append), asked, learnt


def test_every_page_of_ended_sessions_is_asked_for() -> None:
    first, second = {"sid": "ses_1"}, {"sid": "ses_2"}
    catch_up, asked, learnt = pages(
        {"items": [first], "next_cursor": "more"}, {"items": [second], "next_cursor": None}
    )

    assert catch_up.run_once()

    assert (asked, learnt) == ([None, "more"], [first, second])


def test_without_identity_the_ended_sessions_are_asked_for_again() -> None:
    catch_up, _, learnt = pages(ServiceUnavailable(), {"items": [], "next_cursor": None})

    attempts = [catch_up.run_once(), catch_up.run_once()]

    assert (attempts, learnt) == ([False, True], [])
