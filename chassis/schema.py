"""Pieces for the services' marshmallow schemas, so that all of them say the same things alike."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, ValidationError, fields, validate
from marshmallow import Schema as MarshmallowSchema
from marshmallow.schema import SchemaMeta

from chassis.ids import is_id
from chassis.money import Money
from chassis.pagination import MAX_CURSOR_LENGTH
from chassis.times import parse_rfc3339, rfc3339

MAX_AMOUNT_MINOR = 10**13
"""A hundred billion in major units: beyond any budget, and far below what 64 bits hold."""

MOST_EXPECTED = 20
"""Versions that one change may be meant for; a client has read one or two."""

MAX_PAGE = 100
DEFAULT_PAGE = 20


class SharedInstance(SchemaMeta):
    """Calling a class without options gives the one instance of that class.

    Building a schema copies and binds every field, of nested schemas too, and costs more than loading with
    it. Between two calls of load or dump an instance keeps nothing, so greenlets and threads may share it.
    When several threads come first, each may build one; whichever stays is complete.
    """

    _instance: Any

    def __call__(self, *, only: Any = None, many: bool | None = None, **options: Any) -> Any:
        # A field that nests this schema states every option, most of them empty.
        as_declared = only is None and many in {None, self.opts.many} and not any(options.values())
        if not as_declared:
            return super().__call__(only=only, many=many, **options)
        # Its own, never the one that its parent class has.
        if "_instance" not in self.__dict__:
            self._instance = super().__call__()
        return self._instance


class Schema(MarshmallowSchema, metaclass=SharedInstance):
    """Refuses unknown fields."""

    class Meta:
        unknown = RAISE


class IdField(fields.String):
    """A TypeID of the given prefix. What is no such id can't exist, and is refused here."""

    def __init__(self, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix
        self.metadata = {"example": f"{prefix}_01jd2e7z5pf3rs8w6r8q6v2k1m", **self.metadata}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not is_id(self.prefix, value):
            raise ValidationError(f"Not a valid {self.prefix}_ id.")
        return str(value)


class UtcDateTime(fields.Field[Any]):
    """An RFC 3339 time; loads to an aware UTC datetime, dumps with microseconds and a Z."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        described = {"type": "string", "format": "date-time", "example": "2026-11-23T05:00:00.000000Z"}
        self.metadata = {**described, **self.metadata}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return rfc3339(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) > 40:
            raise ValidationError("Not a valid RFC 3339 time.")
        try:
            return parse_rfc3339(value)
        except (ValueError, OverflowError):
            raise ValidationError("Not a valid RFC 3339 time with an offset.") from None


class StrictInteger(fields.Integer):
    """A JSON integer: no float, no text, no boolean."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise ValidationError("Not a valid integer.")
        return value


class Expecting(Schema):
    """A change that is meant for one of these versions, when it says so; see chassis.versions."""

    expected_versions = fields.List(
        StrictInteger(validate=validate.Range(min=0)),
        validate=validate.Length(max=MOST_EXPECTED),
    )


class MoneySchema(Schema):
    """{"amount_minor": 150000, "currency": "USD"}; amounts are integer minor units."""

    amount_minor = StrictInteger(
        required=True,
        validate=validate.Range(min=0, max=MAX_AMOUNT_MINOR),
        metadata={"example": 150000},
    )
    currency = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[A-Z]{3}\Z", error="Not an ISO 4217 currency code."),
        metadata={"example": "USD"},
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        return obj.get(attr, default) if isinstance(obj, dict) else getattr(obj, attr, default)


class MoneyField(fields.Nested):
    """Loads {"amount_minor", "currency"} to Money, dumps Money to it."""

    def __init__(self, minimum_minor: int = 0, **kwargs: Any) -> None:
        super().__init__(MoneySchema, **kwargs)
        self.minimum_minor = minimum_minor

    def _deserialize(self, value: Any, attr: Any, data: Any, *args: Any, **kwargs: Any) -> Money:
        money = Money(**super()._deserialize(value, attr, data, *args, **kwargs))
        if money.amount_minor < self.minimum_minor:
            raise ValidationError({"amount_minor": [f"Must be at least {self.minimum_minor}."]})
        return money


class PageQuery(Schema):
    """The query of a list."""

    limit = fields.Integer(load_default=DEFAULT_PAGE, validate=validate.Range(min=1, max=MAX_PAGE))
    cursor = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=MAX_CURSOR_LENGTH)
    )


def page_of(item: type[MarshmallowSchema]) -> type[Schema]:
    """The schema of a page of items, named after theirs."""
    members = {
        "__module__": item.__module__,
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(allow_none=True, required=True),
    }
    return type(f"{item.__name__.removesuffix('Schema')}Page", (Schema,), members)
