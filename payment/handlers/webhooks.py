"""Webhooks: kept first and applied after, so that one which is early, late or repeated does no harm."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.clock import Clock
from chassis.ids import NewId
from payment.domain.errors import AmountMismatch, DepositNotFound, PayoutNotFound, SettlementConflict
from payment.domain.provider import ProviderEvent, Subject
from payment.domain.webhook import Webhook
from payment.handlers.deposits import settle_deposit
from payment.handlers.payouts import settle_payout
from payment.handlers.ports import PaymentProvider, Payments

WEBHOOKS_PER_ROUND = 100


def receive_webhook(
    payments: Payments,
    provider: PaymentProvider,
    clock: Clock,
    new_id: NewId,
    headers: Mapping[str, str],
    body: str,
) -> None:
    """After a success the provider need not send it again: it is kept, whether it could be applied or not."""
    event = provider.read_webhook(headers, body, clock.now())
    webhook = Webhook.arrived(provider.name, event, clock.now())
    payments.transaction(lambda: payments.webhooks.keep(webhook))
    apply_webhook(payments, clock, new_id, provider.name, event.id)


def apply_waiting_webhooks(payments: Payments, clock: Clock, new_id: NewId) -> int:
    """One round of the timer: tries again those that came before what they are about."""
    due = payments.transaction(lambda: payments.webhooks.due(clock.now(), WEBHOOKS_PER_ROUND))
    for provider, event_id in due:
        apply_webhook(payments, clock, new_id, provider, event_id)
    return len(due)


def apply_webhook(payments: Payments, clock: Clock, new_id: NewId, provider: str, event_id: str) -> None:
    def work() -> None:
        webhook = payments.webhooks.lock(provider, event_id)
        if not webhook.is_waiting:
            return
        try:
            settle(payments, clock, new_id, webhook)
        except (DepositNotFound, PayoutNotFound):
            webhook.wait(clock.now())
        except (AmountMismatch, SettlementConflict) as contradiction:
            webhook.contradicts(str(contradiction))
        payments.webhooks.save(webhook)

    payments.transaction(work)


def settle(payments: Payments, clock: Clock, new_id: NewId, webhook: Webhook) -> None:
    """Whatever this raises on purpose, it raises before it writes."""
    event: ProviderEvent = webhook.event
    if event.subject == Subject.PAYMENT:
        settle_deposit(payments, clock, new_id, event.object.reference, event.object)
    elif event.subject == Subject.PAYOUT:
        settle_payout(payments, clock, new_id, event.object.reference, event.object)
    else:
        webhook.ignore(f"{event.type} is nothing that we deal in")
        return
    webhook.applied()
