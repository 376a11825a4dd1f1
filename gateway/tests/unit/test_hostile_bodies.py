"""Bodies that want more than they may: fields that are not theirs, operators for texts, numbers of no use."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.tests.conftest import Door, operations_of
from gateway.tests.surface import ROUTES, Route

# Of a batch of deliveries each is judged by itself, by its service, and the answer is 202 whatever one holds.
WITH_BODY = [route for route in ROUTES if route.body and not route.path.endswith("/deliveries")]

PRIVILEGED = (
    "id",
    "kind",
    "role",
    "scope",
    "is_admin",
    "status",
    "verification_status",
    "version",
    "owner_id",
    "account_id",
    "brand_id",
    "balance",
    "created_at",
    "__class__",
    "$set",
)

OPERATORS = ({"$ne": None}, {"$gt": ""}, {"$where": "sleep(1000)"}, {"$regex": "^(a+)+$"}, ["a", {"$ne": 1}])

NO_JSON_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400")
NO_WHOLE_NUMBERS = (1.5, -0.5, 2**63, 2**64, -(2**63) - 1, 1e30, "1", True, None)
NO_AMOUNTS = (-1, 0, -(2**53), 2**53, *NO_WHOLE_NUMBERS)

Path = tuple[Any, ...]


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every object, list and leaf of a body, with the way to it."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def changed(body: Any, path: Path, new: Any) -> Any:
    altered = copy.deepcopy(body)
    at = altered
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return altered


def send(door: Door, route: Route, body: str) -> Any:
    headers = door.as_(route.kinds[0]) if route.kinds else {}
    return door.client.open(
        route.path, method=route.method, data=body, content_type="application/json", headers=headers
    )


def accepted(door: Door, route: Route, bodies: Iterator[tuple[str, str]]) -> list[str]:
    """The names of those that got as far as a service, or were refused as if the fault were ours."""
    passed = []
    for name, body in bodies:
        door.services.calls.clear()
        status = send(door, route, body).status_code
        if door.services.calls or status not in (400, 422):
            passed.append(f"{name}: {status}")
    return passed


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
def test_a_field_that_nobody_may_set_is_refused_at_every_depth(door: Door, route: Route) -> None:
    def bodies() -> Iterator[tuple[str, str]]:
        for path, value in places(route.json):
            if isinstance(value, dict):
                for name in set(PRIVILEGED) - set(value):
                    where = ".".join(map(str, (*path, name)))
                    yield where, json.dumps(changed(route.json, (*path, name), "admin"))

    assert accepted(door, route, bodies()) == []


def objects_of(schema: dict[str, Any], schemas: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """The way to every object with members of its own that a JSON schema describes."""
    for part in (schema, *schema.get("anyOf", []), *schema.get("allOf", [])):
        known = schemas[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        if "items" in known:
            yield from objects_of(known["items"], schemas, (*path, 0))
        if "properties" in known:
            yield path
            for name, inner in known["properties"].items():
                yield from objects_of(inner, schemas, (*path, name))


def around(path: Path, inner: Any) -> Any:
    """A body that holds this at that place, and nothing else."""
    for key in reversed(path):
        inner = {key: inner} if isinstance(key, str) else [inner]
    return inner


def test_a_field_that_nobody_may_set_is_named_in_each_object_of_each_body_of_the_document(door: Door) -> None:
    """Also where no example shows that object; an operation without a body in the table fails here, too."""
    document = door.client.get("/openapi.json").json
    adapter = door.app.url_map.bind("localhost")
    routes = {adapter.match(route.path, route.method)[0].replace(".", "_"): route for route in WITH_BODY}
    tried, overlooked = 0, []

    for name, operation in operations_of(document).items():
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media is not None and name != "overlay_post_deliveries":
            for path in objects_of(media["schema"], document["components"]["schemas"]):
                answer = send(door, routes[name], json.dumps(around(path, {"is_admin": True})))
                tried += 1
                if ".".join(map(str, (*path, "is_admin"))) not in answer.json.get("errors", {}):
                    overlooked.append((name, path, answer.text))

    assert overlooked == []
    assert tried > len(WITH_BODY)
    assert door.services.calls == []


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
def test_an_operator_is_no_text_and_no_number(door: Door, route: Route) -> None:
    def bodies() -> Iterator[tuple[str, str]]:
        for path, value in places(route.json):
            if path and isinstance(value, str | int):
                for operator in OPERATORS:
                    yield f"{path} {operator}", json.dumps(changed(route.json, path, operator))

    assert accepted(door, route, bodies()) == []


@pytest.mark.parametrize("route", WITH_BODY, ids=str)
def test_a_number_that_is_none_is_refused_wherever_a_number_stands(door: Door, route: Route) -> None:
    def bodies() -> Iterator[tuple[str, str]]:
        for path, value in places(route.json):
            if isinstance(value, int) and not isinstance(value, bool):
                for text in NO_JSON_NUMBERS:
                    yield (
                        f"{path} {text}",
                        json.dumps(changed(route.json, path, "§")).replace('"\\u00a7"', text),
                    )
                for number in NO_AMOUNTS if path[-1] == "amount_minor" else NO_WHOLE_NUMBERS:
                    yield f"{path} {number}", json.dumps(changed(route.json, path, number))

    assert accepted(door, route, bodies()) == []
