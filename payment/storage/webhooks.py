"""Webhooks by the provider's own event id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from chassis.money import Money
from payment.domain.provider import Progress, ProviderEvent, ProviderObject, Subject
from payment.domain.reversal import Reversal, ReversalKind, ReversalStage
from payment.domain.webhook import Webhook, WebhookStatus
from payment.storage.base import SqlPart
from payment.storage.tables import webhooks

# An auditor needs the first findings, not all of them in one answer.
MOST_CONTRADICTIONS = 1000


class SqlWebhooks(SqlPart):
    def keep(self, webhook: Webhook) -> None:
        self.connection.execute(insert(webhooks).values(values_of(webhook)).on_conflict_do_nothing())

    def lock(self, provider: str, event_id: str) -> Webhook:
        query = webhooks.select().where(webhooks.c.provider == provider, webhooks.c.event_id == event_id)
        return webhook_of(self.connection.execute(query.with_for_update()).one())

    def save(self, webhook: Webhook) -> None:
        key = (webhooks.c.provider == webhook.provider, webhooks.c.event_id == webhook.event.id)
        self.connection.execute(webhooks.update().where(*key).values(values_of(webhook)))

    def due(self, now: datetime, limit: int) -> list[tuple[str, str]]:
        waiting = webhooks.c.status == WebhookStatus.WAITING.value
        statement = webhooks.select().where(waiting, webhooks.c.next_attempt_at <= now)
        ordered = statement.order_by(webhooks.c.next_attempt_at).limit(limit)
        return [(row.provider, row.event_id) for row in self.rows(ordered)]

    def contradictions(self, provider: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
        refused = (webhooks.c.provider == provider, webhooks.c.status == WebhookStatus.CONFLICT.value)
        came = (webhooks.c.received_at >= since, webhooks.c.received_at < until)
        statement = webhooks.select().where(*refused, *came).order_by(webhooks.c.received_at)
        return [(row.event_id, row.note) for row in self.rows(statement.limit(MOST_CONTRADICTIONS))]


def values_of(webhook: Webhook) -> dict[str, Any]:
    event = webhook.event
    return {
        "provider": webhook.provider,
        "event_id": event.id,
        "type": event.type,
        "subject": event.subject.value,
        "object": object_values(event.object),
        "received_at": webhook.received_at,
        "next_attempt_at": webhook.next_attempt_at,
        "status": webhook.status.value,
        "attempts": webhook.attempts,
        "note": webhook.note,
    }


def object_values(found: ProviderObject | Reversal) -> dict[str, Any]:
    """Without the checkout: nobody pays by a webhook."""
    if isinstance(found, Reversal):
        return {**vars(found), "amount": found.amount.to_dict()}
    kept = {name: value for name, value in vars(found).items() if name != "checkout"}
    return {**kept, "amount": found.amount.to_dict()}


def object_of(subject: Subject, kept: dict[str, Any]) -> ProviderObject | Reversal:
    amount = Money.from_dict(kept["amount"])
    if subject == Subject.REVERSAL:
        stage, kind = ReversalStage(kept["stage"]), ReversalKind(kept["kind"])
        return Reversal(**{**kept, "amount": amount, "kind": kind, "stage": stage})
    return ProviderObject(**{**kept, "amount": amount, "progress": Progress(kept["progress"])})


def webhook_of(row: Row[Any]) -> Webhook:
    subject = Subject(row.subject)
    found = object_of(subject, row.object)
    return Webhook(
        provider=row.provider,
        event=ProviderEvent(row.event_id, row.type, subject, found),
        received_at=row.received_at,
        next_attempt_at=row.next_attempt_at,
        status=WebhookStatus(row.status),
        attempts=row.attempts,
        note=row.note,
    )
