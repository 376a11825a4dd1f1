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


class DashboardPart(Schema):
    """Either `data`, or the `code` of what went wrong."""

    status = fields.String(required=True, validate=validate.OneOf(["ok", "unavailable"]))
    data = fields.Dict()
    code = fields.String()


class Dashboard(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["brand", "streamer", "admin"]))
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(DashboardPart), required=True)
