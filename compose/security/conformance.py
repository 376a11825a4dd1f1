"""Whatever a gateway has answered since it started, held against its document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

COUNTED = re.compile(
    r'^http_responses_total{method="(?P<method>\w+)",route="(?P<route>[^"]+)",status="(?P<status>\d+)"}', re.M
)
PARAMETER = re.compile(r"<(?:[^<>]*:)?(\w+)>")


def undocumented(metrics: str, document: Mapping[str, Any]) -> list[str]:
    """The answers that the document does not promise; routes that it does not know are pages for people."""
    return [
        f"{method} {path} {status}"
        for method, path, status in counted(metrics)
        if (operation := document["paths"].get(path, {}).get(method.lower()))
        and status not in operation["responses"]
    ]


def counted(metrics: str) -> Iterator[tuple[str, str, str]]:
    for found in COUNTED.finditer(metrics):
        yield found["method"], PARAMETER.sub(r"{\1}", found["route"]), found["status"]
