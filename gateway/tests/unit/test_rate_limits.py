"""Limits as a client meets them over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from gateway.admission import EXEMPT
from gateway.rates.addresses import Proxies, counted_as
from gateway.rates.policies import DEFAULTS, route_class
from gateway.tests import surface
from gateway.tests.conftest import ACCOUNTS, Door

LOGIN = {"email": "acme@example.com", "password": "correct horse battery staple"}
KEY = f"gtk_01jd2e7z5pf3rs8w6r8q6v2k1m_{'s' * 43}"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/brands/login", "auth"),
        ("POST", "/v1/streamers/register", "auth"),
        ("POST", "/v1/auth/refresh", "auth"),
        ("GET", "/v1/oauth/twitch/callback", "auth"),
        ("GET", "/v1/auth/sessions", "read"),
        ("GET", "/v1/wallet", "read"),
        ("POST", "/v1/wallet/deposits", "write"),
        ("POST", "/v1/assets", "upload"),
        ("GET", "/v1/assets/ast_1", "read"),
        ("POST", "/overlay/token/deliveries", "overlay"),
        ("GET", "/media/a.png", "overlay"),
        ("GET", "/docs", "public"),
        ("GET", "/.well-known/jwks.json", "public"),
    ],
)
def test_each_route_has_a_class(method: str, path: str, expected: str) -> None:
    assert route_class(method, path) == expected
    assert f"{expected}-address" in {policy.name for policy in DEFAULTS}


@pytest.mark.parametrize(
    "path",
    [
        "/V1/Brands/LOGIN",
        "/v1/brands/login/",
        "//v1//brands///login",
        "/v1/brands/%6cogin",
        "/v1/brands/%256cogin",
        "/v1/./brands/login",
        "/v1/campaigns/../brands/login",
        "/v1\\brands\\login",
        "/v1/brands/login;v=1",
        "/v1/brands%2flogin",
    ],
)
def test_another_spelling_of_a_path_is_of_the_same_class(path: str) -> None:
    assert route_class("POST", path) == "auth"


def test_whoever_has_no_token_yet_is_held_tightly() -> None:
    """A new route that changes something without a token belongs into `auth`, or has to be named here."""
    unsafe = [route for route in surface.ROUTES if route.method != "GET" and not route.kinds]
    exempt = [route for route in unsafe if route.path.startswith(EXEMPT)]

    classes = {route.path: route_class(route.method, route.path) for route in unsafe if route not in exempt}

    others = {path for path, found in classes.items() if found != "auth"}
    assert others == {f"{surface.O}/deliveries"}


def test_an_answer_says_which_limits_there_are_and_what_is_left(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("read-account=50/10",))

    first = door.client.get("/v1/wallet", headers=door.as_("brand"))
    second = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert first.headers["RateLimit-Policy"] == '"read-account";q=50;w=10, "day-account";q=20000000;w=86400'
    assert re.fullmatch(
        r'"read-account";r=49;t=\d+, "day-account";r=19999999;t=\d+', first.headers["RateLimit"]
    )
    assert second.headers["RateLimit"].startswith('"read-account";r=48;')


def test_who_sends_too_much_is_told_when_to_come_back(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("write-account=2/60",))
    answers = [door.client.post("/v1/overlay-link", headers=door.as_("streamer")) for _ in range(3)]

    refused = answers[-1]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert (refused.content_type, refused.json["code"]) == ("application/problem+json", "rate_limited")
    assert refused.json["violated-policies"] == ["write-account"]
    assert refused.json["request_id"] == refused.headers["X-Request-Id"]
    assert 57 <= int(refused.headers["Retry-After"]) <= 63
    assert refused.headers["RateLimit"].startswith('"write-account";r=0;')
    assert len(door.services.calls) == 2
    assert door.client.get("/v1/overlay-link", headers=door.as_("streamer")).status_code == 200


def test_an_address_is_refused_before_anything_is_looked_at(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("auth-address=3/60",))
    paths = ["/v1/brands/login", "/V1/brands/login", "/v1/brands//login", "/v1/brands/login"]

    statuses = [door.client.post(path, json=LOGIN).status_code for path in paths]
    refused = door.client.post("/v1/streamers/login", json=LOGIN)

    assert statuses == [200, 404, 404, 429]
    assert (refused.status_code, refused.json["violated-policies"]) == (429, ["auth-address"])
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert door.client.get("/docs").status_code == 200


def test_an_account_counts_from_wherever_it_asks(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("read-account=2/60",))

    statuses = [
        door.client.get(
            "/v1/wallet", headers=door.as_("brand"), environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
        ).status_code
        for number in range(3)
    ]

    assert statuses == [200, 200, 429]
    assert door.client.get("/v1/wallet", headers=door.as_("streamer")).status_code == 200


def test_a_key_counts_for_itself_and_for_its_account(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("read-key=2/60", "read-account=4/60"))
    token = door.issued.issue("brand", ACCOUNTS["brand"], surface.SCOPES["brand"], "key_1")
    door.services.answers["identity.exchange_api_key"] = {"access_token": token, "expires_in": 900}
    with_key = {"Authorization": f"Bearer {KEY}"}

    by_key = [door.client.get("/v1/wallet", headers=with_key) for _ in range(3)]
    in_person = [door.client.get("/v1/wallet", headers=door.as_("brand")).status_code for _ in range(2)]

    assert [answer.status_code for answer in by_key] == [200, 200, 429]
    assert by_key[-1].json["violated-policies"] == ["read-key"]
    # The one that the key was refused had been counted for the account before.
    assert in_person == [200, 429]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_probes_are_never_limited(make_door: Callable[..., Door], path: str) -> None:
    door = make_door(rate_limits=("public-address=1/60",))

    answers = [door.client.get(path) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert "RateLimit" not in answers[0].headers


def test_nobody_else_is_believed_whom_they_speak_for(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("auth-address=2/60",))

    statuses = [
        door.client.post(
            "/v1/brands/login", json=LOGIN, headers={"X-Forwarded-For": f"203.0.113.{number}"}
        ).status_code
        for number in range(3)
    ]

    assert statuses == [200, 200, 429]


def test_a_configured_proxy_is_believed(make_door: Callable[..., Door]) -> None:
    door = make_door(rate_limits=("auth-address=1/60",), trusted_proxies=("127.0.0.0/8",))

    def log_in(chain: str) -> int:
        answer = door.client.post("/v1/brands/login", json=LOGIN, headers={"X-Forwarded-For": chain})
        return answer.status_code

    assert [log_in("203.0.113.7"), log_in("203.0.113.8"), log_in("203.0.113.7")] == [200, 200, 429]
    # What a client wrote itself stands left of what the proxy appended.
    assert log_in("198.51.100.1, 203.0.113.7") == 429
    assert door.services.last[1]["address"] == "203.0.113.8"


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("198.51.100.9", "203.0.113.7", "198.51.100.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7:443", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, evil\x00", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_chain_of_proxies_is_followed_from_its_end(peer: str, chain: str, client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client_of(peer, chain) == client


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_the_document_says_that_a_route_may_be_limited(door: Door) -> None:
    paths = door.client.get("/openapi.json").json["paths"]

    assert "429" in paths["/v1/wallet"]["get"]["responses"]
    assert "429" not in paths["/health/live"]["get"]["responses"]


def test_readiness_says_how_limits_are_held(door: Door) -> None:
    assert door.client.get("/health/ready").json["limits"] == "shared"
