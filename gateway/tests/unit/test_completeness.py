from __future__ import annotations

from typing import Any

from gateway.completeness import completed
from gateway.tests.conftest import Door


def referring(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def a_document(**operation: Any) -> dict[str, Any]:
    schemas = {
        "Answer": {"properties": {"id": {}, "part": {"$ref": "#/components/schemas/Part"}}},
        "Part": {"properties": {"name": {}}},
        "Body": {"properties": {"name": {}}, "required": ["name"]},
        "Problem": {"properties": {"code": {}, "errors": {}}},
    }
    return {"components": {"schemas": schemas}, "paths": {"/x": {"post": operation, "parameters": []}}}


def required(document: dict[str, Any], name: str) -> list[str] | None:
    found: list[str] | None = completed(document)["components"]["schemas"][name].get("required")
    return found


def test_every_member_of_an_answer_is_there_at_every_depth() -> None:
    document = a_document(responses={"200": referring("Answer")}, requestBody=referring("Body"))

    assert required(document, "Answer") == ["id", "part"]
    assert required(document, "Part") == ["name"]


def test_what_a_request_may_leave_out_stays_so_also_where_an_answer_shows_it() -> None:
    document = a_document(responses={"200": referring("Answer")}, requestBody=referring("Part"))

    assert required(document, "Part") is None


def test_a_member_that_is_absent_at_times_is_not_promised() -> None:
    assert required(a_document(responses={"400": referring("Problem")}), "Problem") == ["code"]


def test_the_document_promises_what_answers_hold(door: Door) -> None:
    schemas = door.client.get("/openapi.json").json["components"]["schemas"]

    assert {"id", "status", "creatives"} <= set(schemas["Campaign"]["required"])
    assert schemas["IdentitySessionPage"]["required"] == ["items", "next_cursor"]
    assert "required" not in schemas["CampaignUpdateCampaign"]
