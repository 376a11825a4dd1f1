"""The REST toolkit: blueprints that authenticate, validate and document in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, jsonify
from flask_smorest import Api, Blueprint
from flask_smorest.utils import deepupdate
from marshmallow import INCLUDE, Schema, fields
from werkzeug.routing import BaseConverter

from gateway import authentication, documentation, examples, idempotency, problems
from gateway.completeness import completed
from gateway.parsing import Parser

View = TypeVar("View", bound=Callable[..., Any])


class Id(BaseConverter):
    """An identifier in a path: whether it names anything is for its service to say."""

    regex = r"[A-Za-z0-9_-]{1,64}"


class OverlayToken(BaseConverter):
    """An overlay link's token: 32 bytes in base64url; a text of another shape is no link at all."""

    regex = r"[A-Za-z0-9_-]{43}"


class Problem(Schema):
    """Documents the problem document; it is never loaded or dumped. Some codes have members of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "A URN made of the code."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; compare this one."})
    request_id = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "With 422: what to change, by field."},
    )


class Resource(Blueprint):
    """A flask-smorest blueprint whose views answer with the JSON of a service, unchanged."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks += [self._prepare_operation_id, documentation.with_common_answers]

    def requires(self, *scopes: str, kinds: Sequence[str] = ()) -> Callable[[View], View]:
        """A valid access token with one of these scopes (any, when none is named), of one of these kinds."""

        def decorate(view: View) -> View:
            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                authentication.require(scopes, kinds)
                return view(*args, **kwargs)

            document(guarded, security=[{"bearer": [scope]} for scope in scopes] or [{"bearer": []}])
            document(guarded, responses=named(401, 403) if scopes or kinds else named(401))
            return guarded  # type: ignore[return-value]

        return decorate

    def body(
        self, schema: type[Schema], *, without: Sequence[str] = (), example: str = ""
    ) -> Callable[[View], View]:
        """Takes the JSON body that `schema` describes, less what the path and the headers already say."""
        known = [name for name in without if name in schema._declared_fields]
        instance = schema(exclude=known)
        return self.arguments(instance, example=examples.named(example) if example else None)

    def query(self, schema: type[Schema], *, without: Sequence[str] = ()) -> Callable[[View], View]:
        known = [name for name in without if name in schema._declared_fields]
        return self.arguments(schema(exclude=known), location="query")

    def answers(
        self,
        status: int,
        schema: type[Schema] | None = None,
        *,
        example: str = "",
        content_type: str | Sequence[str] = (),
    ) -> Callable[[View], View]:
        """Documents the answer, and gives the one of before to a request that is sent again under its key.

        What is no JSON of a service has one of these content types instead of a schema.
        """
        describe = self.response(status, schema, example=examples.named(example) if example else None)
        others = [content_type] if isinstance(content_type, str) else content_type

        def decorate(view: View) -> View:
            described = describe(view)
            if others:
                content = {name: {"schema": documentation.schema_of(name)} for name in others}
                document(described, responses={status: {"content": content}})
            return idempotency.guarded(described)

        return decorate

    @staticmethod
    def takes_if_match(view: View) -> View:
        """Documents a change that can be made to depend on the version that its client has read."""
        document(view, responses=named(412))
        return view

    @staticmethod
    def refuses(*statuses: int) -> Callable[[View], View]:
        """Documents what its service may refuse with, beside what any such route does."""

        def decorate(view: View) -> View:
            document(view, responses=named(*statuses))
            return view

        return decorate

    @staticmethod
    def _prepare_operation_id(doc: dict[str, Any], doc_info: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if "operation_id" in doc_info:
            doc["operationId"] = doc_info["operation_id"]
        return doc

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        for name, doc in self._docs[endpoint].items():
            if name != "parameters":
                doc["operation_id"] = f"{self.name}_{endpoint}"
                doc["endpoint"] = f"{self.name}.{endpoint}"


def document(view: Callable[..., Any], **manual: Any) -> None:
    """Adds to what flask-smorest says of this view; the view it wraps keeps its own description."""
    apidoc = deepcopy(getattr(view, "_apidoc", {}))
    apidoc["manual_doc"] = deepupdate(apidoc.get("manual_doc", {}), manual)
    view._apidoc = apidoc  # type: ignore[attr-defined]


def named(*statuses: int) -> dict[str, str]:
    """These statuses, each answered with a problem document."""
    return {str(status): HTTPStatus(status).name for status in statuses}


class GatewayApi(Api):
    """OpenAPI 3.1 of the whole surface; errors are problem documents."""

    ERROR_SCHEMA = Problem
    # It would stand for every status, so that a client could rely on none.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _openapi_json(self) -> Response:
        return jsonify(completed(self.spec.to_dict()))

    def _register_error_handlers(self) -> None:
        problems.register(self._app)

    def _register_responses(self) -> None:
        """Whichever status a view names is documented as a problem."""
        for status in HTTPStatus:
            self.spec.components.response(status.name, problem_response(status.phrase), lazy=True)


def problem_response(description: str) -> dict[str, Any]:
    media = {"schema": Problem, "example": examples.named("problem")}
    return {"description": description, "content": {problems.CONTENT_TYPE: media}}


def bounded_text(converter: BaseConverter) -> dict[str, str]:
    return {"type": "string", "pattern": f"^{converter.regex}$"}


def schema_name(schema: Schema | type[Schema]) -> str:
    """A name for the whole document: several services have a Profile."""
    cls = schema if isinstance(schema, type) else type(schema)
    package = cls.__module__.partition(".")[0].capitalize()
    is_shared = package in ("Chassis", "Gateway") or cls.__name__.startswith(package)
    return cls.__name__ if is_shared else f"{package}{cls.__name__}"
