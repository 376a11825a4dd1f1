"""When a part of the interface is on its way out, told in each of its answers and in the document.

Deprecation (RFC 9745): from when on nobody should begin to use it. Sunset (RFC 8594): from when on it
may not be there. Until then it works as ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apispec import BasePlugin
from flask import Flask, Response, request
from werkzeug.http import http_date


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """`guide` is the page that says what to use instead. Nothing is announced without a time."""

    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    guide: str = ""

    def __post_init__(self) -> None:
        if self.sunset_at and (self.deprecated_at is None or self.sunset_at < self.deprecated_at):
            raise ValueError("What ends is deprecated before.")

    @property
    def headers(self) -> dict[str, str]:
        if self.deprecated_at is None:
            return {}
        told = {"Deprecation": f"@{int(self.deprecated_at.timestamp())}"}
        links = [f'<{self.guide}>; rel="deprecation"; type="text/html"']
        if self.sunset_at is not None:
            told["Sunset"] = http_date(self.sunset_at)
            links.append(f'<{self.guide}>; rel="sunset"; type="text/html"')
        return told | ({"Link": ", ".join(links)} if self.guide else {})


@dataclass(frozen=True, kw_only=True)
class Announced:
    """A version's lifecycle, and those of operations that go before it, by their operationId."""

    version: Lifecycle = field(default_factory=Lifecycle)
    operations: Mapping[str, Lifecycle] = field(default_factory=dict)

    def of(self, operation: str) -> Lifecycle:
        return self.operations.get(operation, self.version)

    def in_answers(self, app: Flask, blueprints: Collection[str]) -> None:
        """Announces in every answer of these blueprints; costs nothing while nothing is announced."""
        endpoints = [rule.endpoint for rule in app.url_map.iter_rules()]
        own = [endpoint for endpoint in endpoints if endpoint.partition(".")[0] in blueprints]
        told = {endpoint: self.of(endpoint.replace(".", "_")).headers for endpoint in own}
        if not any(told.values()):
            return

        @app.after_request
        def announce(response: Response) -> Response:
            response.headers.update(told.get(request.endpoint or "", {}))
            return response


class Documented(BasePlugin):
    """Marks what is announced in the OpenAPI document."""

    def __init__(self, announced: Announced, prefix: str) -> None:
        self._announced = announced
        self._prefix = prefix

    def operation_helper(self, path: str | None = None, operations: Any = None, **_: Any) -> None:
        if not (path or "").startswith(self._prefix):
            return
        for operation in (operations or {}).values():
            headers = self._announced.of(operation.get("operationId", "")).headers
            if headers:
                operation["deprecated"] = True
                described = {name: described_header(value) for name, value in headers.items()}
                for response in operation["responses"].values():
                    if isinstance(response, dict):
                        response.setdefault("headers", {}).update(described)


def described_header(value: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "example": value}
