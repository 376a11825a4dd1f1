"""Paths and queries that want to be something else, at every place of every operation of the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from gateway.tests.conftest import Door

HOSTILE = (
    "../../etc/passwd",
    "..",
    "%2e%2e%2f",
    "..\\..\\win.ini",
    "a\r\nX-Injected: 1",
    "a\nSet-Cookie: a=b",
    "a\x00b",
    "${jndi:ldap://x}",
    "';--",
    "é\u2028",
)
# The paths of one kind of account are refused to the others before they are looked at.
KINDS = ("brand", "streamer", "admin")


def addresses(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Method and path, with one parameter spoiled."""
    for path, item in document["paths"].items():
        names = re.findall(r"{(\w+)}", path)
        for method in sorted(set(item) - {"parameters"}):
            for name in names:
                for text in HOSTILE:
                    sound = dict.fromkeys(names, "abc")
                    yield method.upper(), path.format(**{**sound, name: quote(text, safe="")})


def queries(document: dict[str, Any]) -> Iterator[str]:
    """Paths with one parameter of their query spoiled."""
    for path, item in document["paths"].items():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                sound = re.sub(r"{\w+}", "abc", path)
                yield from (f"{sound}?{parameter['name']}={quote(text)}" for text in HOSTILE)


@pytest.fixture
def document(door: Door) -> dict[str, Any]:
    told: dict[str, Any] = door.client.get("/openapi.json").json
    return told


@pytest.fixture
def ask(door: Door) -> Callable[[str, str], Any]:
    """Asks as the first kind of account that may use the route."""
    client, bearers = door.client, [door.as_(kind) for kind in KINDS]

    def ask_as_somebody(method: str, address: str) -> Any:
        for headers in bearers:
            answer = client.open(address, method=method, headers=headers, json={})
            if answer.status_code != 403:
                break
        return answer

    return ask_as_somebody


def test_no_path_parameter_is_anything_but_an_id(
    door: Door, document: dict[str, Any], ask: Callable[[str, str], Any]
) -> None:
    tried, passed = 0, []

    for method, address in addresses(document):
        answer = ask(method, address)
        tried += 1
        is_refused = answer.status_code in (400, 404) or address.startswith("/media/")
        if not is_refused or "X-Injected" in answer.headers:
            passed.append((method, address, answer.status_code))

    assert passed == []
    assert door.services.calls == []
    assert tried > 50 * len(HOSTILE)


def test_no_query_parameter_gets_into_a_header(
    document: dict[str, Any], ask: Callable[[str, str], Any]
) -> None:
    tried, passed = 0, []

    for address in queries(document):
        answer = ask("GET", address)
        tried += 1
        if answer.status_code == 500 or {"X-Injected", "Set-Cookie"} & set(answer.headers.keys()):
            passed.append((address, answer.status_code))

    assert passed == []
    assert tried > 30 * len(HOSTILE)
