"""Bodies and query strings: read strictly, validated by the services' own schemas, handed on as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson
from flask import Request, Response
from flask.json.provider import DefaultJSONProvider
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from chassis.errors import ValidationFailed

# Our deepest body has five levels. What reads it further on ends at 254 (RPC) and at 100 (MongoDB).
MAX_DEPTH = 32
# The whole numbers that RPC and the databases hold.
SMALLEST_TOO_LARGE = 2**63

ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
INTEGER = re.compile(r"-?[0-9]{1,18}")


class StrictJSON(DefaultJSONProvider):
    """JSON as RFC 8259 means it to be exchanged: unique names, real numbers, valid text, bounded nesting."""

    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        text = s.decode() if isinstance(s, bytes) else s
        try:
            value = json.loads(
                text,
                object_pairs_hook=unique_names,
                parse_constant=refuse_constant,
                parse_float=finite,
                parse_int=whole,
                **kwargs,
            )
        except RecursionError:
            raise ValueError("nested too deeply") from None
        check_depth(value, MAX_DEPTH)
        if "\\u" in text:
            check_text(value)
        return value

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Mostly a service's reply, and so written by what reads and writes those."""
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(body, mimetype=self.mimetype)


def unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


def whole(text: str) -> int | float:
    """A whole number beyond 64 bits is read as most JSON readers do, and then is no integer to any schema."""
    number = finite(text)
    return int(text) if abs(number) < SMALLEST_TOO_LARGE else number


def check_depth(value: Any, levels: int) -> None:
    if isinstance(value, dict | list):
        if levels == 0:
            raise ValueError("nested too deeply")
        for inner in value.values() if isinstance(value, dict) else value:
            check_depth(inner, levels - 1)


def check_text(value: Any) -> None:
    """Half a surrogate pair cannot be encoded, and PostgreSQL stores no NUL: both end here as a 400."""
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    if ESCAPED_NUL.search(text):
        raise ValueError("a text contains NUL")


class Parser(FlaskParser):
    """Validates with a schema, but hands on JSON: the service loads the same schema again for itself."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        if not req.is_json and has_body(req):
            raise UnsupportedMediaType("Send the body as application/json.")
        return req.get_json() if has_body(req) else {}

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """Query strings are text; schemas that are strict about integers get integers."""
        return {
            name: int(text) if is_integer(schema, name) and INTEGER.fullmatch(text) else text
            for name, text in req.args.items()
        }

    def parse(self, argmap: Any, req: Request | None = None, *args: Any, **kwargs: Any) -> Any:
        loaded = super().parse(argmap, req, *args, **kwargs)
        if kwargs.get("location") == "query":
            return {name: value for name, value in argmap.dump(loaded).items() if value is not None}
        request = req or self.get_default_request()
        return request.get_json() if has_body(request) else {}

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        messages = error.messages
        by_field = next(iter(messages.values())) if isinstance(messages, dict) else {"_schema": messages}
        raise ValidationFailed("The request is not valid", by_field)


def is_integer(schema: Schema, name: str) -> bool:
    return isinstance(schema.load_fields.get(name), fields.Integer)


def has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def refuse_nul(request: Request) -> None:
    """No path and no query of ours has a use for NUL; further inside it would break things."""
    if "\x00" in request.path or "%00" in request.query_string.decode("latin-1"):
        raise BadRequest("The address contains NUL.")
