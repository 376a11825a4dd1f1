from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chassis.errors import Unauthenticated
from gateway.api_keys import MOST_KEPT, Exchange
from gateway.tests.conftest import ACCOUNTS, NOW, Door

KEY = "gtk_01jd2e7z5pf3rs8w6r8q6v2k21_" + "k" * 43
KEY_ID = "key_01jd2e7z5pf3rs8w6r8q6v2k21"
WITH_THE_KEY = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def keyed(door: Door) -> Door:
    token = door.issued.issue("brand", ACCOUNTS["brand"], ["campaigns:read"], KEY_ID)
    door.services.answers["identity.exchange_api_key"] = {"access_token": token, "expires_in": 900}
    return door


def test_services_see_the_keys_token_and_never_the_key(keyed: Door) -> None:
    response = keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY)

    assert response.status_code == 200
    assert keyed.services.last[0] == "campaign.list"
    assert keyed.services.contexts[-1].auth_token not in (KEY, None)


def test_a_key_has_its_own_scopes_alone(keyed: Door) -> None:
    response = keyed.client.get("/v1/wallet", headers=WITH_THE_KEY)

    assert (response.status_code, response.json["code"]) == (403, "missing_scope")


def test_a_revoked_key_is_refused_though_its_token_is_kept(keyed: Door) -> None:
    assert keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY).status_code == 200

    keyed.state.revoked.add(KEY_ID, NOW + timedelta(minutes=15))

    response = keyed.client.get("/v1/campaigns", headers=WITH_THE_KEY)
    assert (response.status_code, response.json["code"]) == (401, "session_revoked")


def test_what_identity_says_of_a_wrong_key_is_the_answer(door: Door) -> None:
    door.services.fail("identity.exchange_api_key", Unauthenticated("no such key"))

    assert door.client.get("/v1/campaigns", headers=WITH_THE_KEY).status_code == 401


class Identity:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seconds = 900

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request["key"])
        return {"access_token": f"token {len(self.asked)}", "expires_in": self.seconds}


class Watch:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_identity_is_asked_once_until_shortly_before_the_token_is_over() -> None:
    identity, watch = Identity(), Watch()
    exchange = Exchange(identity, watch)

    assert [exchange.token_for(KEY), exchange.token_for(KEY)] == ["token 1", "token 1"]
    watch.at = 869.9
    assert exchange.token_for(KEY) == "token 1"
    watch.at = 870
    assert exchange.token_for(KEY) == "token 2"


def test_a_token_that_is_nearly_over_is_not_kept() -> None:
    identity = Identity()
    identity.seconds = 20
    exchange = Exchange(identity, Watch())

    assert [exchange.token_for(KEY), exchange.token_for(KEY)] == ["token 1", "token 2"]


def test_the_longest_unasked_key_is_forgotten_first() -> None:
    identity = Identity()
    exchange = Exchange(identity, Watch())
    for number in range(MOST_KEPT + 1):
        exchange.token_for(f"gtk_{number}")
    asked = len(identity.asked)

    exchange.token_for(f"gtk_{MOST_KEPT}")
    assert len(identity.asked) == asked
    exchange.token_for("gtk_0")
    assert len(identity.asked) == asked + 1
