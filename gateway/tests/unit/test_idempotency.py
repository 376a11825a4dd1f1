from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from chassis.errors import Conflict, Forbidden, NotFound, ServiceUnavailable, TooManyRequests, Unauthenticated
from gateway.tests.conftest import BRAND, Door

KEY = {"Idempotency-Key": "retry-1"}
DEPOSIT = {"amount": {"amount_minor": 5000, "currency": "USD"}, "provider": "sandbox"}
LOGIN = {"email": "ada@acme.example", "password": "correct horse battery"}


def deposit(door: Door, key: dict[str, str] = KEY, minor: int = 5000, **options: Any) -> Any:
    body = {**DEPOSIT, "amount": {"amount_minor": minor, "currency": "USD"}}
    headers = {**door.as_("brand"), **key}
    return door.client.post("/v1/wallet/deposits", json=body, headers=headers, **options)


def test_the_same_request_is_done_once_and_answered_twice(door: Door) -> None:
    door.services.answers["payment.deposit"] = {"id": "dep_1", "status": "pending"}
    first = deposit(door)
    door.services.answers["payment.deposit"] = {"id": "dep_2", "status": "pending"}

    again = deposit(door)

    assert len(door.services.calls) == 1
    assert (again.status_code, again.json) == (201, {"id": "dep_1", "status": "pending"})
    assert again.headers["Location"] == first.headers["Location"] == "/v1/wallet/deposits/dep_1"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_another_content_under_the_same_key_is_refused(door: Door) -> None:
    deposit(door)

    other = deposit(door, minor=9900)

    assert (other.status_code, other.json["code"]) == (422, "idempotency.key_reused")
    assert len(door.services.calls) == 1


def test_a_key_that_was_used_for_another_resource_is_refused(door: Door) -> None:
    headers = {**door.as_("brand"), **KEY}
    door.client.post("/v1/campaigns/cmp_1/submit", headers=headers)

    other = door.client.post("/v1/campaigns/cmp_2/submit", headers=headers)

    assert other.status_code == 422


def test_while_the_first_is_being_served_the_second_is_told_to_wait(door: Door) -> None:
    meanwhile: list[Any] = []

    def slow(_: Any) -> dict[str, str]:
        meanwhile.append(deposit(door))
        return {"id": "dep_1"}

    door.services.answers["payment.deposit"] = slow
    first = deposit(door)

    assert first.status_code == 201
    assert (meanwhile[0].status_code, meanwhile[0].json["code"]) == (409, "idempotency.in_flight")
    assert meanwhile[0].headers["Retry-After"] == "1"
    assert len(door.services.calls) == 1


def test_a_key_is_an_accounts_own_and_a_routes_own(door: Door) -> None:
    for account in (door.as_("brand"), door.as_("streamer")):
        for path in ("/v1/notifications/ntf_1/read", "/v1/auth/logout"):
            door.client.post(path, headers={**account, **KEY})

    assert len(door.services.calls) == 4


@pytest.mark.parametrize("error", [NotFound(), Conflict("not now")])
def test_a_refusal_for_good_is_repeated_too(door: Door, error: Exception) -> None:
    door.services.answers["payment.deposit"] = error
    first = deposit(door)
    door.services.answers["payment.deposit"] = {"id": "dep_1"}

    again = deposit(door)

    assert (again.status_code, again.json["code"]) == (first.status_code, first.json["code"])
    assert again.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailable(),
        TooManyRequests(retry_after=1),
        Unauthenticated(),
        Forbidden(),
        RuntimeError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_go_better_next_time_is_tried_again_with_the_same_key(door: Door, error: Exception) -> None:
    door.services.answers["payment.deposit"] = error
    refused = deposit(door)
    door.services.answers["payment.deposit"] = {"id": "dep_1"}

    again = deposit(door)

    assert refused.status_code >= 400
    assert (again.status_code, again.json) == (201, {"id": "dep_1"})
    assert [request["idempotency_key"] for _, request in door.services.calls] == ["retry-1", "retry-1"]


def test_without_redis_the_key_still_travels_with_the_command(door: Door) -> None:
    door.answers.fails = True

    answers = [deposit(door).status_code for _ in range(2)]

    assert answers == [201, 201]
    assert [request["idempotency_key"] for _, request in door.services.calls] == ["retry-1", "retry-1"]


def test_an_answer_that_is_not_remembered_is_still_given(door: Door) -> None:
    def redis_goes(_: Any) -> dict[str, str]:
        door.answers.fails = True
        return {"id": "dep_1"}

    door.services.answers["payment.deposit"] = redis_goes

    assert deposit(door).status_code == 201


def test_a_log_in_is_answered_again_and_leaves_nothing_to_read(door: Door) -> None:
    tokens = {"access_token": "ey.secret.token", "refresh_token": "another-secret"}
    door.services.answers["identity.login"] = tokens

    def log_in(password: str) -> Any:
        return door.client.post("/v1/brands/login", json={**LOGIN, "password": password}, headers=KEY)

    log_in(LOGIN["password"])
    again, guessed = log_in(LOGIN["password"]), log_in("guess")

    assert (again.json, again.headers["Idempotency-Replayed"]) == (tokens, "true")
    assert guessed.status_code == 422
    kept = repr(door.answers.kept)
    assert door.answers.kept
    assert not any(text in kept for text in ("secret", "token", LOGIN["password"], KEY["Idempotency-Key"]))


def test_what_a_token_may_not_do_is_not_replayed_to_it(door: Door) -> None:
    deposit(door)
    narrow = door.issued.issue("brand", BRAND, ["wallet:read"])

    again = door.client.post(
        "/v1/wallet/deposits", json=DEPOSIT, headers={"Authorization": f"Bearer {narrow}", **KEY}
    )

    assert again.status_code == 403


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
def test_a_key_that_is_none_is_refused_on_every_unsafe_route(door: Door, key: str) -> None:
    answer = door.client.post(
        "/v1/campaigns/cmp_1/submit", headers={**door.as_("brand"), "Idempotency-Key": key}
    )

    assert (answer.status_code, door.services.calls) == (422, [])


def test_a_read_is_not_remembered(door: Door) -> None:
    door.client.get("/v1/wallet", headers={**door.as_("brand"), **KEY})

    assert door.answers.kept == {}


def upload(door: Door, content: bytes) -> Any:
    data = {"kind": "creative", "file": (io.BytesIO(content), "banner.png")}
    return door.client.post("/v1/assets", data=data, headers={**door.as_("brand"), **KEY})


def test_an_upload_is_known_by_its_content_and_kept_once(door: Door, tmp_path: Path) -> None:
    first, again = upload(door, b"a picture"), upload(door, b"a picture")
    other = upload(door, b"another one")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(door.services.calls) == 1
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 1


def test_every_unsafe_operation_documents_the_key_and_what_becomes_of_it(door: Door) -> None:
    for path, methods in door.client.get("/openapi.json").json["paths"].items():
        for method, operation in methods.items():
            if method in ("post", "put", "patch", "delete"):
                names = [parameter["name"] for parameter in operation["parameters"]]
                assert names.count("Idempotency-Key") == 1, path
                assert {"409", "422"} <= set(operation["responses"]), path
