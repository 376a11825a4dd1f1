from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

import pytest
from marshmallow import EXCLUDE, Schema

from gateway import resources, v1
from gateway.examples import EXAMPLES, sent
from notification.schemas import WEBHOOKS, Webhook


def described() -> Iterator[tuple[str, Schema, Any]]:
    """The schema and the example of every request and every answer that the document shows."""
    for blueprint in (*v1.BLUEPRINTS, *resources.BLUEPRINTS):
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

# The wallet that is shown is a brand's.
STREAMERS_BALANCES = ("balances.pending", "balances.paying_out")


@pytest.mark.parametrize(
    ("schema", "example"), [case[1:] for case in DESCRIBED], ids=[case[0] for case in DESCRIBED]
)
def test_an_example_is_what_its_schema_describes(schema: Schema, example: Any) -> None:
    assert example is not None
    assert unknown_to(schema, example) == []


@pytest.mark.parametrize(
    ("schema", "example"),
    [case[1:] for case in DESCRIBED if case[0].endswith("answers")],
    ids=[case[0] for case in DESCRIBED if case[0].endswith("answers")],
)
def test_an_example_of_an_answer_shows_every_name(schema: Schema, example: Any) -> None:
    assert [name for name in missing_in(schema, example) if name not in STREAMERS_BALANCES] == []


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


def unknown_to(schema: Schema, example: Any) -> list[str]:
    """Names in an example that the schema does not have, at any depth."""
    return [name for path, shown, known in parts_of(schema, example) for name in outside(path, shown, known)]


def missing_in(schema: Schema, example: Any) -> list[str]:
    """Names in the schema that the example does not show, at any depth."""
    return [name for path, shown, known in parts_of(schema, example) for name in outside(path, known, shown)]


def outside(path: str, names: Iterable[str], known: Container[str]) -> list[str]:
    return [f"{path}{name}" for name in names if name not in known]


def parts_of(schema: Schema, example: Any, path: str = "") -> Iterator[tuple[str, Any, set[str]]]:
    """Every object within an example with its path, and the names that its schema has."""
    by_key = {field.data_key or name: field for name, field in schema.fields.items()}
    yield path, example, set(by_key)
    for name in by_key.keys() & example.keys():
        inner = getattr(getattr(by_key[name], "inner", by_key[name]), "schema", None)
        for item in example[name] if isinstance(example[name], list) else [example[name]]:
            if inner is not None and isinstance(item, dict):
                yield from parts_of(inner, item, f"{path}{name}.")


@pytest.mark.parametrize("webhook", WEBHOOKS.values(), ids=list(WEBHOOKS))
def test_an_example_of_a_webhook_is_whole_and_a_valid_one(webhook: Webhook) -> None:
    schema, example = webhook.schema(), sent(webhook.name)

    assert unknown_to(schema, example) == missing_in(schema, example) == []
    assert schema.validate(example) == {}


def test_the_check_itself_sees_an_unknown_name() -> None:
    from payment.schemas import Deposit

    assert unknown_to(Deposit(unknown=EXCLUDE), {"id": "x", "amount": {"minor": 1}}) == ["amount.minor"]
