"""What only the gateway answers with."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import Schema


class Health(Schema):
    status = fields.String(required=True)


class Readiness(Health):
    breakers = fields.Dict(
        keys=fields.String(),
        values=fields.String(validate=validate.OneOf(["closed", "half_open", "open"])),
        required=True,
        metadata={"description": "By service that this process has called: an open one is left alone."},
    )

    limits = fields.String(
        required=True,
        validate=validate.OneOf(["shared", "local", "closed"]),
        metadata={
            "description": "Whether rate limits are held by all workers together (shared) or, without "
            "Redis, by each for itself (local), or nobody is served (closed)."
        },
    )


class DashboardPart(Schema):
    """Either `data`, or the `code` of what went wrong."""

    status = fields.String(required=True, validate=validate.OneOf(["ok", "unavailable"]))
    data = fields.Dict()
    code = fields.String()


class Dashboard(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["brand", "streamer", "admin"]))
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(DashboardPart), required=True)


class DaysOfUse(Schema):
    """Days in UTC, both included; without them, the last 30."""

    since = fields.Date(data_key="from", load_default=None)
    until = fields.Date(data_key="to", load_default=None)


class DayOfUse(Schema):
    date = fields.Date(required=True)
    requests = fields.Integer(required=True, metadata={"description": "All of that day, however they ended."})
    errors = fields.Integer(
        required=True, metadata={"description": "Answered with 4xx or 5xx, except for the limited ones."}
    )
    limited = fields.Integer(required=True, metadata={"description": "Over a rate limit (429)."})


class KeyUse(Schema):
    """A day without requests is there, too."""

    items = fields.List(fields.Nested(DayOfUse), required=True)
