from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema

from gateway.examples import EXAMPLES
from gateway.resources import BLUEPRINTS


def described() -> Iterator[tuple[str, Schema, Any]]:
    """The schema and the example of every request and every answer that the document shows."""
    for blueprint in BLUEPRINTS:
        for endpoint, methods in blueprint._docs.items():
            for method, doc in methods.items():
                if method == "parameters":
                    continue
                for part in doc.get("arguments", {}).get("parameters", []):
                    if part["in"] == "json":
                        yield f"{endpoint} takes", part["schema"], part.get("example")
                for answers in doc.get("response", {}).get("responses", {}).values():
                    for answer in answers:
                        if isinstance(answer, dict) and answer.get("schema"):
                            yield f"{endpoint} answers", answer["schema"], answer.get("example")


DESCRIBED = list(described())


@pytest.mark.parametrize(
    ("schema", "example"), [case[1:] for case in DESCRIBED], ids=[case[0] for case in DESCRIBED]
)
def test_an_example_is_what_its_schema_describes(schema: Schema, example: Any) -> None:
    assert example is not None
    assert unknown_to(schema, example) == []


@pytest.mark.parametrize(
    ("schema", "example"),
    [case[1:] for case in DESCRIBED if case[0].endswith("takes")],
    ids=[case[0] for case in DESCRIBED if case[0].endswith("takes")],
)
def test_an_example_of_a_request_is_a_valid_one(schema: Schema, example: Any) -> None:
    assert schema.validate(example) == {}


def test_no_example_is_left_over() -> None:
    shown = [example for _, _, example in DESCRIBED]

    unused = [name for name, example in EXAMPLES.items() if example not in shown]

    assert unused == ["problem"]


def unknown_to(schema: Schema, example: Any, path: str = "") -> list[str]:
    """Names in an example that the schema does not have, at any depth."""
    by_key = {field.data_key or name: field for name, field in schema.fields.items()}
    found = []
    for name, value in example.items():
        if name not in by_key:
            found.append(f"{path}{name}")
            continue
        field = by_key[name]
        inner = getattr(getattr(field, "inner", field), "schema", None)
        for item in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(item, dict):
                found += unknown_to(inner, item, f"{path}{name}.")
    return found


def test_the_check_itself_sees_an_unknown_name() -> None:
    from payment.schemas import Deposit

    assert unknown_to(Deposit(unknown=EXCLUDE), {"id": "x", "amount": {"minor": 1}}) == ["amount.minor"]
