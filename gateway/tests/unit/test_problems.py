from __future__ import annotations

import json

import pytest

from chassis.errors import Internal, ServiceUnavailable, ValidationFailed
from gateway.examples import OVERLAY_TOKEN
from gateway.problems import flatten
from gateway.tests.conftest import Door

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/campaigns/../../etc/passwd", 404, "not_found"),
        ("GET", "/v1/campaigns/" + "c" * 65, 404, "not_found"),
        ("DELETE", "/v1/wallet", 405, "method_not_allowed"),
        ("GET", "/overlay/short", 404, "not_found"),
        ("GET", "/v1/wallet%00", 400, "bad_request"),
    ],
)
def test_what_http_refuses_is_a_problem_too(
    door: Door, method: str, path: str, status: int, code: str
) -> None:
    response = door.client.open(path, method=method)

    assert (response.status_code, response.content_type) == (status, PROBLEM)
    assert response.json["code"] == code
    assert response.json["request_id"] == response.headers["X-Request-Id"]


def test_a_wrong_method_is_told_the_right_ones(door: Door) -> None:
    response = door.client.delete("/v1/wallet")

    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"email": "a@b.example", "email": "c@d.example"}',
        b'{"email": NaN}',
        b'{"email": Infinity}',
        b'{"email": "\xff"}',
        b'{"email": "\\ud800"}',
        b'{"email": "\\u0000"}',
        b"[" * 100_000,
        b'{"email": ' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"email": "\\u00e9", "x": ' + b"[" * 980 + b"]" * 980 + b"}",
        b"1" * 5000,
        b'{"email": 1e400}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_json_that_is_not_sound_is_refused(door: Door, body: bytes) -> None:
    response = door.client.post("/v1/brands/login", data=body, content_type="application/json")

    assert response.status_code == (422 if body == b"" else 400)
    assert response.content_type == PROBLEM
    assert door.services.calls == []


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 2**12, 10**40])
def test_a_number_that_no_service_can_hold_is_no_integer(door: Door, number: int) -> None:
    deposit = {"amount": {"amount_minor": number, "currency": "USD"}, "provider": "sandbox"}

    response = door.client.post("/v1/wallet/deposits", json=deposit, headers=door.as_("brand"))

    assert response.status_code == 422
    assert "amount.amount_minor" in response.json["errors"]


@pytest.mark.parametrize("number", [2**63 - 1024, -(2**63) + 1024, 2**64, 10**40])
def test_what_a_service_checks_by_itself_reaches_it_whatever_its_numbers(door: Door, number: int) -> None:
    batch = {"session_id": "ovs_1", "deliveries": [{"seq": number}]}
    door.services.answers["participation.post_deliveries"] = {"accepted": 0, "refused": []}

    response = door.client.post(f"/overlay/{OVERLAY_TOKEN}/deliveries", json=batch)

    assert response.status_code == 202
    assert door.services.last[1]["deliveries"] == [{"seq": pytest.approx(number)}]


def test_a_body_beyond_the_limit_is_refused_unread(door: Door) -> None:
    response = door.client.post(
        "/v1/brands/login",
        data=b"x" * (door.state.settings.max_body_bytes + 1),
        content_type="application/json",
    )

    assert (response.status_code, response.json["code"]) == (413, "too_large")
    assert response.headers["Connection"] == "close"


def test_validation_errors_are_given_by_field(door: Door) -> None:
    body = {
        "email": "no address",
        "password": "x",
        "company_name": "A",
        "industry": "b",
        "contact_person": {"name": 1},
    }

    response = door.client.post("/v1/brands/register", json=body)

    assert response.status_code == 422
    assert {"email", "contact_person.name"} <= set(response.json["errors"])


def test_nested_errors_of_a_service_become_flat() -> None:
    errors = {"creatives": {0: {"weight": ["Too small."]}}, "_schema": ["No."]}

    flat = dict(flatten(errors))

    assert flat == {"creatives.0.weight": ["Too small."], "_schema": ["No."]}


def test_errors_of_a_service_by_field_arrive(door: Door) -> None:
    door.services.fail("payment.transactions", ValidationFailed("Bad", {"a": {"b": ["c"]}}))

    response = door.client.get("/v1/wallet/transactions", headers=door.as_("brand"))

    assert (response.status_code, response.json["errors"]) == (422, {"a.b": ["c"]})


def test_what_broke_inside_is_not_told(door: Door) -> None:
    door.services.fail("payment.wallet", Internal("KeyError: the secret"))

    response = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert response.status_code == 500
    assert "secret" not in response.text


def test_a_bug_is_a_problem_that_tells_nothing(door: Door) -> None:
    door.services.answers["payment.wallet"] = RuntimeError("password=hunter2")

    response = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert (response.status_code, response.content_type) == (500, PROBLEM)
    assert "hunter2" not in response.text


def test_a_missing_service_says_when_to_come_again(door: Door) -> None:
    door.services.fail("payment.wallet", ServiceUnavailable("payment is not running", retry_after=3))

    response = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")


def test_an_error_cannot_replace_the_members_of_a_problem(door: Door) -> None:
    door.services.fail("payment.wallet", ServiceUnavailable("down", status=200, code="fine"))

    response = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert json.loads(response.data)["status"] == 503
    assert response.json["code"] == "service_unavailable"
