"""Webhooks by the provider's own event id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row

from chassis.money import Money
from payment.domain.provider import Progress, ProviderEvent, ProviderObject, Subject
from payment.domain.webhook import Webhook, WebhookStatus
from payment.storage.base import SqlPart
from payment.storage.tables import webhooks


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


def object_values(found: ProviderObject) -> dict[str, Any]:
    return {
        "id": found.id,
        "reference": found.reference,
        "amount": found.amount.to_dict(),
        "progress": found.progress.value,
        "failure": found.failure,
    }


def webhook_of(row: Row[Any]) -> Webhook:
    found = ProviderObject(
        id=row.object["id"],
        reference=row.object["reference"],
        amount=Money.from_dict(row.object["amount"]),
        progress=Progress(row.object["progress"]),
        failure=row.object["failure"],
    )
    return Webhook(
        provider=row.provider,
        event=ProviderEvent(row.event_id, row.type, Subject(row.subject), found),
        received_at=row.received_at,
        next_attempt_at=row.next_attempt_at,
        status=WebhookStatus(row.status),
        attempts=row.attempts,
        note=row.note,
    )
