from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chassis.errors import ServiceUnavailable, StepUpRequired, from_wire
from gateway.examples import CAMPAIGN, EXAMPLES
from gateway.sessions import CatchUp, RevokedSessions
from gateway.tests.conftest import ACCOUNTS, BRAND, NOW, Door
from gateway.tests.surface import SCOPES


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


METHOD = "/v1/streamers/me/payout-method"
LONG_AGO = int(NOW.timestamp()) - 3600
LATELY = int(NOW.timestamp()) - 600


def headers(door: Door, kind: str, **claims: Any) -> dict[str, str]:
    token = door.issued.issue(kind, ACCOUNTS[kind], SCOPES[kind], **claims)
    return {"Authorization": f"Bearer {token}"}


def test_where_the_money_goes_is_changed_after_a_log_in_of_late(door: Door) -> None:
    long_ago = headers(door, "streamer", acr="pwd", auth_time=LONG_AGO)
    lately = headers(door, "streamer", acr="pwd", auth_time=LATELY)
    body = EXAMPLES["payout_method"]

    refused = door.client.put(METHOD, headers=long_ago, json=body)
    assert door.services.calls == []
    taken = door.client.put(METHOD, headers=lately, json=body)

    assert (refused.status_code, taken.status_code) == (401, 200)
    assert refused.json["code"] == "insufficient_user_authentication"
    assert (refused.json["acr_values"], refused.json["max_age"]) == ("pwd", 600)
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="gametriggers", error="insufficient_user_authentication", '
        'acr_values="pwd", max_age="600"'
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/v1/admin/campaigns/{CAMPAIGN}/approve"),
        ("GET", f"/v1/campaigns/{CAMPAIGN}"),
        ("GET", "/v1/admin/ledger/verify"),
        ("GET", f"/v1/analytics/campaigns/{CAMPAIGN}/summary"),
    ],
)
def test_an_admin_without_a_second_factor_can_do_nothing(door: Door, method: str, path: str) -> None:
    refused = door.client.open(path, method=method, headers=headers(door, "admin", acr="pwd"))
    assert door.services.calls == []
    served = door.client.open(path, method=method, headers=headers(door, "admin", auth_time=LONG_AGO))

    assert (refused.status_code, refused.json["acr_values"]) == (401, "mfa")
    assert 'acr_values="mfa"' in refused.headers["WWW-Authenticate"]
    assert served.status_code == 200


@pytest.mark.parametrize(
    "claims", [{"acr": None}, {"acr": "loa4"}, {"acr": ["mfa"]}, {"auth_time": None}], ids=str
)
def test_a_token_that_does_not_say_how_its_holder_was_recognised_steps_nothing_up(
    door: Door, claims: dict[str, Any]
) -> None:
    response = door.client.get("/v1/admin/ledger/verify", headers=headers(door, "admin", **claims))

    assert (response.status_code, response.json["code"]) == (401, "insufficient_user_authentication")


def test_what_a_service_asks_for_arrives_as_a_challenge(door: Door) -> None:
    error = StepUpRequired("Not lately enough", acr_values="pwd", max_age=600)
    door.services.fail("payment.request_payout", from_wire(error.to_wire()))

    response = door.client.post("/v1/payouts", headers=door.as_("streamer"), json=EXAMPLES["request_payout"])

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].endswith('acr_values="pwd", max_age="600"')


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
