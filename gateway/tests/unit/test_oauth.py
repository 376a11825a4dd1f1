from __future__ import annotations

from typing import Any

import pytest

from gateway.examples import EXAMPLES
from gateway.tests.conftest import Door

BEGUN = {
    "authorize_url": "https://id.twitch.tv/oauth2/authorize?state=s",
    "binding": "b" * 43,
    "expires_in": 600,
}
AUTHORIZE = "/v1/oauth/twitch/authorize"
CALLBACK = "/v1/oauth/twitch/callback?state=s&code=c"


@pytest.fixture
def begun(door: Door) -> Door:
    door.services.answers["identity.begin_oauth"] = lambda request: dict(BEGUN)
    return door


def the_cookie(response: Any) -> str:
    return str(response.headers["Set-Cookie"])


def test_whoever_is_not_logged_in_is_sent_to_the_provider(begun: Door) -> None:
    response = begun.client.get(AUTHORIZE)

    assert (response.status_code, response.headers["Location"]) == (302, BEGUN["authorize_url"])
    assert begun.services.last == ("identity.begin_oauth", {"provider": "twitch"})


def test_whoever_is_logged_in_is_told_where_to_link(begun: Door) -> None:
    response = begun.client.get(AUTHORIZE, headers=begun.as_("streamer"))

    assert (response.status_code, response.json) == (
        200,
        {"authorize_url": BEGUN["authorize_url"], "expires_in": 600},
    )
    assert begun.services.contexts[-1].auth_token


def test_what_binds_the_browser_is_a_cookie_that_no_script_reads_and_is_nowhere_else(begun: Door) -> None:
    response = begun.client.get(AUTHORIZE)

    assert the_cookie(response) == (
        f"oauth={'b' * 43}; Expires={the_cookie(response).partition('Expires=')[2].partition(';')[0]}; "
        "Max-Age=600; HttpOnly; Path=/; SameSite=Lax"
    )
    assert "b" * 43 not in response.text + response.headers["Location"]


def test_over_tls_the_cookie_belongs_to_this_host_alone(make_door: Any) -> None:
    door = make_door(public_url="https://gametriggers.example")
    door.services.answers["identity.begin_oauth"] = dict(BEGUN)

    cookie = the_cookie(door.client.get(AUTHORIZE))

    assert cookie.startswith("__Host-oauth=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize("kind", ["brand", "admin"])
def test_only_streamers_link_a_provider(begun: Door, kind: str) -> None:
    response = begun.client.get(AUTHORIZE, headers=begun.as_(kind))

    assert response.status_code == 403
    assert begun.services.calls == []


def test_a_bad_token_is_refused_and_not_taken_for_none(begun: Door) -> None:
    response = begun.client.get(AUTHORIZE, headers={"Authorization": "Bearer nonsense"})

    assert response.status_code == 401
    assert begun.services.calls == []


def test_the_browser_that_began_is_let_in_and_its_cookie_ends(door: Door) -> None:
    door.services.answers["identity.finish_oauth"] = EXAMPLES["streamer_session"]
    client = door.client
    client.set_cookie("oauth", "b" * 43)

    response = client.get(f"{CALLBACK}&scope=openid&iss=x")

    assert (response.status_code, response.json) == (200, EXAMPLES["streamer_session"])
    assert door.services.last == (
        "identity.finish_oauth",
        {"state": "s", "code": "c", "provider": "twitch", "binding": "b" * 43, "address": "127.0.0.1"},
    )
    assert the_cookie(response).startswith("oauth=; Expires=Thu, 01 Jan 1970")
    assert response.headers["Cache-Control"] == "no-store"


def test_another_browser_is_refused_before_any_service_is_asked(door: Door) -> None:
    response = door.client.get(CALLBACK)

    assert (response.status_code, response.json["code"]) == (400, "oauth_not_this_browser")
    assert door.services.calls == []


def test_a_callback_without_a_state_says_what_is_missing(door: Door) -> None:
    response = door.client.get("/v1/oauth/twitch/callback?code=c")

    assert (response.status_code, list(response.json["errors"])) == (422, ["state"])
