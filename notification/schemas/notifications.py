"""The inbox and its preferences."""

from marshmallow import fields, validate

from chassis.schema import IdField, PageQuery, Schema, UtcDateTime, page_of

MAX_KIND_LENGTH = 64
# More kinds than there are; a list of choices needs some bound.
MAX_CHOICES = 50


class ListNotifications(PageQuery):
    unread = fields.Boolean(load_default=None, allow_none=True)


class MarkRead(Schema):
    notification_id = IdField("ntf", required=True)


class Nothing(Schema):
    """The request of an RPC that needs none."""


class Choice(Schema):
    kind = fields.String(required=True, validate=validate.Length(1, MAX_KIND_LENGTH))
    in_app = fields.Boolean(load_default=True)
    email = fields.Boolean(load_default=True)


class SetPreferences(Schema):
    preferences = fields.List(fields.Nested(Choice), required=True, validate=validate.Length(max=MAX_CHOICES))


class Setting(Schema):
    """`critical` kinds are about money or security and cannot be turned off."""

    kind = fields.String()
    critical = fields.Boolean()
    in_app = fields.Boolean()
    email = fields.Boolean()


class Preferences(Schema):
    preferences = fields.List(fields.Nested(Setting))


class Notification(Schema):
    id = fields.String()
    kind = fields.String()
    title = fields.String()
    body = fields.String()
    data = fields.Dict(keys=fields.String())
    created_at = UtcDateTime()
    read_at = UtcDateTime(allow_none=True)


NotificationPage = page_of(Notification)


class Unread(Schema):
    unread = fields.Integer()
