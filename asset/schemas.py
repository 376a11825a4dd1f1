"""The published language of the asset service, over RPC and over HTTP."""

from __future__ import annotations

from marshmallow import fields, validate

from chassis.schema import IdField, Schema, StrictInteger, UtcDateTime

UPLOAD_KEY = validate.Regexp(r"\Aincoming/[0-9a-f]{32}\Z", error="Not the key of an upload.")
FILENAME = validate.And(
    validate.Length(max=255),
    validate.Regexp(r"\A[^\x00-\x1f\x7f]*\Z", error="Must not have control characters."),
)
MOST_BYTES = 2**40
"""Beyond what anybody sends; what is too large for us is answered by a rule, with its own code."""


class RegisterUpload(Schema):
    """`upload_key` is under incoming/, where the gateway put the file; the name is only remembered."""

    upload_key = fields.String(required=True, validate=UPLOAD_KEY)
    kind = fields.String(required=True, validate=validate.OneOf(["creative"]))
    filename = fields.String(validate=FILENAME)
    size = StrictInteger(required=True, validate=validate.Range(min=0, max=MOST_BYTES))


class AssetRef(Schema):
    asset_id = IdField("ast", required=True)


class Describe(Schema):
    asset_ids = fields.List(IdField("ast"), required=True, validate=validate.Length(max=100))
    owner_id = IdField("brd", load_default=None)


class Variant(Schema):
    placement = fields.String(metadata={"enum": ["banner", "corner", "full_screen", "poster"]})
    format = fields.String(metadata={"enum": ["png", "webp", "mp4"]})
    width = fields.Integer()
    height = fields.Integer()
    url = fields.String(metadata={"description": "A signed path, valid for 24 hours."})


class Asset(Schema):
    """`reason` says why a refused asset was refused."""

    id = fields.String()
    status = fields.String(metadata={"enum": ["uploaded", "processing", "ready", "refused"]})
    kind = fields.String()
    media = fields.String(allow_none=True, metadata={"enum": ["image", "video", None]})
    variants = fields.List(fields.Nested(Variant))
    reason = fields.String(allow_none=True)
    created_at = UtcDateTime()


class DescribedAsset(Schema):
    asset_id = fields.String(attribute="id")
    owner_id = fields.String()
    status = fields.String()
    media = fields.String(allow_none=True)
    duration_s = fields.Integer(allow_none=True)
    variants = fields.List(fields.Nested(Variant))


class Described(Schema):
    """Those assets that are there."""

    assets = fields.List(fields.Nested(DescribedAsset))
