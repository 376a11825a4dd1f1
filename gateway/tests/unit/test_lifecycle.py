from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from gateway.app import build
from gateway.lifecycle import Announced, Lifecycle
from gateway.tests.conftest import Door

GUIDE = "/docs/guides/errors"
ENDING = Lifecycle(
    deprecated_at=datetime(2027, 1, 1, tzinfo=UTC), sunset_at=datetime(2028, 1, 1, tzinfo=UTC), guide=GUIDE
)
DEPRECATED = Lifecycle(deprecated_at=datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def built() -> dict[str, Flask]:
    """Documenting an application takes long."""
    return {}


def of(door: Door, built: dict[str, Flask], announced: Announced) -> Door:
    app = built.setdefault(repr(announced), built.get(repr(announced)) or build(door.state, announced))
    app.extensions["gateway"] = door.state
    return Door(app, door.state, door.services, door.issued, door.answers, door.usage)


def test_a_version_that_ends_says_so_in_every_answer_of_its_own(door: Door, built: dict[str, Flask]) -> None:
    ending = of(door, built, Announced(version=ENDING))

    answers = [
        ending.client.get("/v1/wallet", headers=ending.as_("brand")),
        ending.client.get("/v1/wallet"),
        ending.client.get("/v1/brands/me", headers=ending.as_("brand")),
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 200]
    for answer in answers:
        assert answer.headers["Deprecation"] == "@1798761600"
        assert answer.headers["Sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
        assert f'<{GUIDE}>; rel="deprecation"' in answer.headers["Link"]
        assert f'<{GUIDE}>; rel="sunset"' in answer.headers["Link"]
    assert "Deprecation" not in ending.client.get("/health/live").headers


def test_an_operation_may_go_before_its_version(door: Door, built: dict[str, Flask]) -> None:
    announced = Announced(operations={"payment_get_wallet": DEPRECATED})
    ending = of(door, built, announced)

    wallet = ending.client.get("/v1/wallet", headers=ending.as_("brand"))
    profile = ending.client.get("/v1/brands/me", headers=ending.as_("brand"))

    assert wallet.headers["Deprecation"] == "@1780272000"
    assert "Sunset" not in wallet.headers
    assert "Deprecation" not in profile.headers


def test_the_document_shows_what_is_on_its_way_out(door: Door, built: dict[str, Flask]) -> None:
    paths = of(door, built, Announced(version=ENDING)).client.get("/openapi.json").json["paths"]

    wallet = paths["/v1/wallet"]["get"]
    assert wallet["deprecated"] is True
    assert wallet["responses"]["200"]["headers"]["Sunset"]["example"] == "Sat, 01 Jan 2028 00:00:00 GMT"
    assert {"Deprecation", "Link"} <= set(wallet["responses"]["200"]["headers"])
    assert "deprecated" not in paths["/health/live"]["get"]


def test_today_nothing_is_announced(door: Door) -> None:
    answer = door.client.get("/v1/wallet", headers=door.as_("brand"))
    paths = door.client.get("/openapi.json").json["paths"]

    assert {"Deprecation", "Sunset", "Link"}.isdisjoint(answer.headers.keys())
    assert not [path for path, methods in paths.items() for one in methods.values() if "deprecated" in one]


def test_nothing_ends_before_it_is_deprecated() -> None:
    with pytest.raises(ValueError, match="deprecated before"):
        Lifecycle(deprecated_at=ENDING.sunset_at, sunset_at=ENDING.deprecated_at)
