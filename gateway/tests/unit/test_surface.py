from __future__ import annotations

from typing import Any

import pytest

from gateway import v1
from gateway.examples import EXAMPLES
from gateway.tests.conftest import Door
from gateway.tests.surface import EVERYBODY, ROUTES, Route

PROBLEM = "application/problem+json"


def request(door: Door, route: Route, **options: Any) -> Any:
    return door.client.open(route.path, method=route.method, **options)


def headers(door: Door, route: Route) -> dict[str, str]:
    return door.as_(route.kinds[0]) if route.kinds else {}


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_asks_its_service_and_answers_what_that_says(door: Door, route: Route) -> None:
    door.services.answers[route.asks] = {"id": "abc", "anything": ["the", "service", "says"]}

    response = request(door, route, headers=headers(door, route), json=route.json)

    assert response.status_code == route.status, response.text
    asked, with_ = door.services.last
    assert asked == route.asks
    assert route.with_.items() <= with_.items()
    assert (route.json or {}).items() <= with_.items()
    if route.status != 204:
        assert response.json == {"id": "abc", "anything": ["the", "service", "says"]}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.kinds], ids=str)
def test_a_route_that_needs_a_token_refuses_without(door: Door, route: Route) -> None:
    response = request(door, route, json=route.json)

    assert (response.status_code, response.content_type) == (401, PROBLEM)
    assert response.json["code"] == "unauthenticated"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert door.services.calls == []


@pytest.mark.parametrize(
    ("route", "kind"),
    [(route, kind) for route in ROUTES if route.kinds for kind in EVERYBODY if kind not in route.kinds],
    ids=str,
)
def test_an_account_of_another_kind_may_not_use_a_route(door: Door, route: Route, kind: str) -> None:
    response = request(door, route, headers=door.as_(kind), json=route.json)

    assert (response.status_code, response.content_type) == (403, PROBLEM)
    assert door.services.calls == []


@pytest.mark.parametrize(
    ("route", "kind"),
    [(route, kind) for route in ROUTES for kind in route.kinds],
    ids=str,
)
def test_every_kind_that_may_use_a_route_can(door: Door, route: Route, kind: str) -> None:
    response = request(door, route, headers=door.as_(kind), json=route.json)

    assert response.status_code == route.status
    assert door.services.contexts[-1].auth_token


# A patch may name nothing, so its body may be missing.
SPOILS = [
    (route, spoil)
    for route in ROUTES
    for spoil in ("unknown", "list", "malformed", "form", "missing")
    if route.body and (spoil, route.method) != ("missing", "PATCH")
]


@pytest.mark.parametrize(("route", "spoil"), SPOILS, ids=str)
def test_a_bad_body_is_refused_before_any_service_is_asked(door: Door, route: Route, spoil: str) -> None:
    bad: dict[str, tuple[dict[str, Any], int]] = {
        "unknown": ({"json": {**route.json, "is_admin": True}}, 422),
        "list": ({"json": [route.json]}, 422),
        "malformed": ({"data": b'{"a": ', "content_type": "application/json"}, 400),
        "form": ({"data": {"a": "b"}}, 415),
        "missing": ({"json": None}, 422),
    }
    options, status = bad[spoil]

    response = request(door, route, headers=headers(door, route), **options)

    assert (response.status_code, response.content_type) == (status, PROBLEM)
    assert response.json["status"] == status
    assert door.services.calls == []


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_an_error_of_a_service_arrives_as_a_problem_with_its_code(door: Door, route: Route) -> None:
    from chassis.errors import from_wire

    door.services.fail(
        route.asks,
        from_wire(
            {
                "code": "thing.refused",
                "status": 429,
                "title": "It refuses",
                "value": "Not now.",
                "extra": {"reasons": ["a", "b"]},
            }
        ),
    )

    response = request(door, route, headers=headers(door, route), json=route.json)

    assert (response.status_code, response.content_type) == (429, PROBLEM)
    assert response.json == {
        "type": "urn:gametriggers:problem:thing.refused",
        "title": "It refuses",
        "status": 429,
        "detail": "Not now.",
        "code": "thing.refused",
        "request_id": response.headers["X-Request-Id"],
        "reasons": ["a", "b"],
    }


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=many", "limit=1.5", "cursor=" + "x" * 600, "order=name", "a=%00"]
)
def test_a_bad_query_is_refused(door: Door, query: str) -> None:
    response = door.client.get(f"/v1/participations?{query}", headers=door.as_("streamer"))

    assert response.status_code in (400, 422)
    assert response.content_type == PROBLEM
    assert door.services.calls == []


def test_every_operation_of_the_document_is_in_this_table_or_has_tests_of_its_own(door: Door) -> None:
    elsewhere = {
        ("get", "/overlay/{token}"),
        ("get", "/overlay/{token}/events"),
        ("post", "/v1/assets"),
        ("get", "/media/{key}"),
        ("get", "/v1/invoices/{invoice_id}.pdf"),
        ("get", "/v1/oauth/{provider}/authorize"),
        ("get", "/v1/oauth/{provider}/callback"),
        ("post", "/v1/webhooks/{provider}"),
        ("get", "/v1/analytics/brands/me/report.pdf"),
        *(
            ("get", f"/v1/analytics/{of}/{file}")
            for of in ("campaigns/{campaign_id}", "streamers/me")
            for file in ("export.csv", "report.pdf", "chart.svg")
        ),
        ("get", "/v1/analytics/campaigns/{campaign_id}/live"),
        ("get", "/v1/analytics/streamers/me/live"),
        ("get", "/v1/notifications/live"),
        ("get", "/v1/dashboard"),
        ("get", "/v1/api-keys/{key_id}/usage"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
        ("get", "/metrics"),
        ("get", "/asyncapi.json"),
    }
    paths = door.client.get("/openapi.json").json["paths"]
    documented = {
        (method, path) for path, methods in paths.items() for method in methods if method != "parameters"
    }
    adapter = door.app.url_map.bind("localhost")

    covered = set()
    for route in ROUTES:
        endpoint, _ = adapter.match(route.path.partition("?")[0], route.method)
        rule = next(door.app.url_map.iter_rules(endpoint)).rule
        path = "/".join(
            "{" + part.strip("<>").partition(":")[2] + "}" if part.startswith("<") else part
            for part in rule.split("/")
        )
        covered.add((route.method.lower(), path))

    assert documented - covered == elsewhere


def test_every_example_is_used(door: Door) -> None:
    document = door.client.get("/openapi.json").text

    assert document.count('"example"') > len(ROUTES)
    assert EXAMPLES["campaign"]["id"] in document


def test_what_version_1_holds_lies_below_v1_and_nothing_else_does(door: Door) -> None:
    own = {blueprint.name for blueprint in v1.BLUEPRINTS}

    places = {
        (rule.endpoint.partition(".")[0], rule.rule[:4] == "/v1/") for rule in door.app.url_map.iter_rules()
    }

    assert {name for name, is_below in places if is_below} == own
    assert own.isdisjoint(name for name, is_below in places if not is_below)
