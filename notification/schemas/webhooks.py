"""Webhook endpoints of brands, what was sent to them, and what each webhook holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, post_load, validate

from chassis.schema import Expecting, IdField, MoneyField, PageQuery, Schema, UtcDateTime, page_of

LONGEST_URL = 2000
LONGEST_DESCRIPTION = 200
LONGEST_TOPIC = 64
# More than there are; a list needs some bound.
MOST_TOPICS = 50

STATUSES = ("pending", "delivered", "parked")
DISABLED_REASONS = ("owner", "gone", "failing")
FAILURES = ("timeout", "name", "address", "tls", "connection")


def campaign(**others: fields.Field[Any]) -> dict[str, fields.Field[Any]]:
    return {"campaign_id": IdField("cmp"), "name": fields.String(), **others}


def participation(**others: fields.Field[Any]) -> dict[str, fields.Field[Any]]:
    return {
        "participation_id": IdField("prt"),
        "campaign_id": IdField("cmp"),
        "campaign_name": fields.String(),
        "streamer_id": IdField("str"),
        **others,
    }


@dataclass(frozen=True)
class Webhook:
    """What is sent under a name: `schema` describes the whole body."""

    name: str
    summary: str
    data: type[Schema]
    schema: type[Schema]


def webhook(name: str, summary: str, /, **data: fields.Field[Any]) -> Webhook:
    title = "".join(part.title() for part in name.replace("_", ".").split("."))
    here = {"__module__": __name__}
    data_schema: type[Schema] = type(f"{title}Data", (Schema,), here | data)
    members = {
        "type": fields.String(validate=validate.OneOf([name])),
        "timestamp": UtcDateTime(metadata={"description": "When it happened, whenever it is sent."}),
        "data": fields.Nested(data_schema),
    }
    return Webhook(name, summary, data_schema, type(f"{title}Webhook", (Schema,), here | members))


TEST = "webhook.test"

WEBHOOKS: Mapping[str, Webhook] = {
    each.name: each
    for each in (
        webhook("campaign.approved", "A review found nothing wrong; it may be activated.", **campaign()),
        webhook(
            "campaign.rejected",
            "A review refused it; it is a draft again.",
            **campaign(reason=fields.String()),
        ),
        webhook(
            "campaign.activated",
            "The budget is reserved and streamers may join.",
            **campaign(
                budget=MoneyField(), category=fields.String(), start_at=UtcDateTime(), end_at=UtcDateTime()
            ),
        ),
        webhook("campaign.paused", "Nothing is shown until it is resumed.", **campaign()),
        webhook("campaign.resumed", "It is shown again.", **campaign()),
        webhook(
            "campaign.completed",
            "The run is over: `budget_spent` when its budget is exhausted, `ended` at its end, `brand` when "
            "you ended it.",
            **campaign(reason=fields.String()),
        ),
        webhook("campaign.cancelled", "The campaign was called off.", **campaign()),
        webhook(
            "campaign.budget_low", "At most a tenth of the budget is left.", **campaign(left=MoneyField())
        ),
        webhook(
            "campaign.budget_returned",
            "What was reserved and not earned is back in the wallet.",
            **campaign(returned=MoneyField()),
        ),
        webhook("participation.applied", "A streamer asks to join a campaign.", **participation()),
        webhook("participation.approved", "A streamer takes part.", **participation()),
        webhook(
            "participation.rejected",
            "An application was refused.",
            **participation(reason=fields.String(allow_none=True)),
        ),
        webhook(
            "participation.left",
            "The streamer has left the campaign.",
            **participation(reason=fields.String(allow_none=True)),
        ),
        webhook(
            "participation.removed",
            "The streamer was removed from the campaign.",
            **participation(reason=fields.String(allow_none=True)),
        ),
        webhook("participation.completed", "The campaign is over for this streamer.", **participation()),
        webhook(
            "deposit.succeeded",
            "A deposit was paid and is in the wallet.",
            deposit_id=IdField("dep"),
            amount=MoneyField(),
        ),
        webhook(
            "deposit.reversed",
            "A refund or a dispute took money of a deposit back, and the wallet gave this much of it.",
            deposit_id=IdField("dep"),
            amount=MoneyField(),
            reason=fields.String(),
        ),
        webhook(
            "deposit.reinstated",
            "What a dispute had taken is back in the wallet.",
            deposit_id=IdField("dep"),
            amount=MoneyField(),
            reason=fields.String(),
        ),
        webhook(
            "asset.ready",
            "Every variant of an upload is there.",
            asset_id=IdField("ast"),
            media=fields.String(),
            duration_s=fields.Integer(allow_none=True),
        ),
        webhook(
            "asset.refused",
            "An upload will not be used.",
            asset_id=IdField("ast"),
            reason=fields.String(),
        ),
        webhook(
            "team.member_joined",
            "Somebody accepted an invitation to the team.",
            member_id=IdField("mem"),
            role=fields.String(),
        ),
        webhook(
            TEST,
            "Sent when you ask for a test, whatever the endpoint has chosen.",
            endpoint_id=IdField("whe"),
        ),
    )
}


def url_field(**options: Any) -> fields.String:
    return fields.String(
        validate=validate.Length(1, LONGEST_URL),
        metadata={"example": "https://hooks.acme.example/gametriggers", "description": "https alone."},
        **options,
    )


def description_field(**options: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=LONGEST_DESCRIPTION), **options)


def events_field(**options: Any) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.Length(1, LONGEST_TOPIC)),
        allow_none=True,
        validate=validate.Length(1, MOST_TOPICS),
        metadata={
            "example": ["campaign.approved", "campaign.completed"],
            "description": "What is sent, by `type`; null is everything, what will be added too.",
        },
        **options,
    )


class WithTopics(Schema):
    """What clients call `events` are topics inside, where no choice is an empty one."""

    @post_load
    def name_topics(self, values: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "events" in values:
            values["topics"] = values.pop("events") or ()
        return values


class CreateWebhookEndpoint(WithTopics):
    url = url_field(required=True)
    description = description_field(load_default="")
    events = events_field(load_default=None)
    enabled = fields.Boolean(load_default=True)


class EndpointRef(Schema):
    endpoint_id = IdField("whe", required=True)


class UpdateWebhookEndpoint(WithTopics, EndpointRef, Expecting):
    """Only the fields that are named change. Enabling forgets what disabled it."""

    url = url_field()
    description = description_field()
    events = events_field()
    enabled = fields.Boolean()


class WebhookEndpoint(Schema):
    """`failing_since` is there while attempts do nothing but fail."""

    id = fields.String(attribute="endpoint.id", metadata={"example": "whe_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    url = fields.String(attribute="endpoint.url")
    description = fields.String(attribute="endpoint.description")
    events = fields.List(
        fields.String(), allow_none=True, metadata={"description": "What is sent; null is everything."}
    )
    enabled = fields.Boolean(attribute="endpoint.enabled")
    disabled_reason = fields.String(
        attribute="endpoint.disabled_reason", allow_none=True, validate=validate.OneOf(DISABLED_REASONS)
    )
    failing_since = UtcDateTime(attribute="endpoint.failing_since", allow_none=True)
    former_secret_ends_at = UtcDateTime(
        attribute="former_secret_ends",
        allow_none=True,
        metadata={"description": "Until then, messages are signed with the secret of before, too."},
    )
    created_at = UtcDateTime(attribute="endpoint.created_at")
    updated_at = UtcDateTime(attribute="endpoint.updated_at")
    version = fields.Integer(attribute="endpoint.version")


class WebhookEndpointWithSecret(WebhookEndpoint):
    """The `secret` is in this answer alone; keep it where your server verifies signatures."""

    secret = fields.String(metadata={"example": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})


class ListWebhookEndpoints(PageQuery):
    pass


WebhookEndpointPage = page_of(WebhookEndpoint)


class WebhookAttempt(Schema):
    """`status` is that of the answer; without an answer `failure` says why."""

    at = UtcDateTime()
    status = fields.Integer(allow_none=True)
    failure = fields.String(allow_none=True, validate=validate.OneOf(FAILURES))
    duration_ms = fields.Integer()


class WebhookDelivery(Schema):
    """One event for one endpoint: its `id` is the `webhook-id` of every attempt, and `body` what is sent."""

    id = fields.String(metadata={"example": "msg_01jd2e7z5pf3rs8w6r8q6v2k1m"})
    endpoint_id = fields.String()
    type = fields.String(attribute="topic")
    status = fields.String(validate=validate.OneOf(STATUSES))
    body = fields.String()
    attempts = fields.List(fields.Nested(WebhookAttempt))
    next_attempt_at = UtcDateTime(attribute="due_at", allow_none=True)
    created_at = UtcDateTime()
    delivered_at = UtcDateTime(allow_none=True)


WebhookDeliveryPage = page_of(WebhookDelivery)


class ListWebhookDeliveries(PageQuery):
    endpoint_id = IdField("whe", required=True)
    status = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(STATUSES))


class DeliveryRef(EndpointRef):
    delivery_id = IdField("msg", required=True)


class Replayed(Schema):
    replayed = fields.Integer(required=True)
