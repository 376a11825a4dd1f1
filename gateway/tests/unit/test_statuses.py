"""Every operation names the statuses that it answers with.

That these are all is seen to in each test of this folder, by gateway.tests.conftest.watched.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask_smorest import Api, Blueprint

from chassis.errors import Gone
from gateway.tests.conftest import Door, operations_of


def missing(document: dict[str, Any]) -> list[str]:
    """The statuses that follow from what the document says of an operation, and that it does not name."""
    found = []
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method != "parameters":
                statuses = set(operation["responses"])
                wanted = follows(operation, [*shared, *operation.get("parameters", [])])
                found += [f"{method} {path} {status}" for status in sorted(wanted - statuses)]
                if "default" in statuses or not any(status[0] in "23" for status in statuses):
                    found.append(f"{method} {path} says too little")
    return found


def follows(operation: dict[str, Any], parameters: list[dict[str, Any]]) -> set[str]:
    named = {(parameter["in"], parameter["name"]) for parameter in parameters}
    places = {place for place, _ in named}
    security = operation.get("security", [])
    wanted = {"400"}
    wanted |= {"401"} if security else set()
    wanted |= {"403"} if any(scheme.get("bearer") for scheme in security) else set()
    wanted |= {"404", "414"} if "path" in places else set()
    names_an_id = any(name.endswith("_id") for _, name in named)
    wanted |= {"422"} if names_an_id else set()
    wanted |= {"414"} if "query" in places else set()
    wanted |= {"431"} if security or "header" in places else set()
    wanted |= {"422"} if "query" in places and security else set()
    wanted |= {"408", "413", "415", "422"} if "requestBody" in operation else set()
    wanted |= {"409", "422"} if ("header", "Idempotency-Key") in named else set()
    wanted |= {"412"} if ("header", "If-Match") in named else set()
    is_limited = operation["tags"] != ["operations"] and not operation["operationId"].endswith("webhook")
    return wanted | ({"429", "503"} if is_limited else set())


@pytest.fixture
def document(door: Door) -> dict[str, Any]:
    told: dict[str, Any] = door.client.get("/openapi.json").json
    return told


def test_every_operation_names_the_statuses_that_follow_from_what_it_takes(document: dict[str, Any]) -> None:
    assert missing(document) == []
    assert len(operations_of(document)) > 100


def test_a_route_that_says_nothing_of_its_statuses_is_found() -> None:
    app = Flask("bare")
    api = Api(app, spec_kwargs={"title": "Bare", "version": "1", "openapi_version": "3.1.0"})
    bare = Blueprint("bare", "bare")
    bare.route("/things/<thing>")(lambda thing: thing)
    api.register_blueprint(bare)

    document = api.spec.to_dict()
    document["paths"]["/things/{thing}"]["get"]["operationId"] = "bare_thing"

    found = missing(document)

    assert "get /things/{thing} 404" in found
    assert "get /things/{thing} says too little" in found


def test_a_status_that_the_document_does_not_name_fails_the_test_that_saw_it(door: Door) -> None:
    door.services.fail("payment.wallet", Gone())

    answer = door.client.get("/v1/wallet", headers=door.as_("brand"))

    assert answer.status_code == 500


def test_every_answer_that_is_no_problem_has_a_content_type(document: dict[str, Any]) -> None:
    without = [
        name
        for name, operation in operations_of(document).items()
        for status, answer in operation["responses"].items()
        if "content" not in answer and "$ref" not in answer and status not in ("204", "302", "304")
    ]

    assert without == []


def test_only_where_a_range_can_be_asked_for_it_can_be_answered(document: dict[str, Any]) -> None:
    operations = operations_of(document)

    assert [name for name, one in operations.items() if "206" in one["responses"]] == ["media_get_media"]
    assert {"302", "401"} <= set(operations["oauth_authorize"]["responses"])
