"""Webhooks: kept first and applied after, so that one which is early, late or repeated does no harm."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.clock import Clock
from chassis.ids import NewId
from payment.domain.errors import Contradiction, DepositNotFound, PayoutNotFound
from payment.domain.provider import ProviderEvent, ProviderObject, Subject
from payment.domain.reversal import Reversal
from payment.domain.webhook import Webhook
from payment.handlers.deposits import settle_deposit
from payment.handlers.payouts import settle_payout
from payment.handlers.ports import PaymentProvider, Payments
from payment.handlers.reversals import apply_reversal

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
        except Contradiction as contradiction:
            webhook.contradicts(str(contradiction))
        payments.webhooks.save(webhook)

    payments.transaction(work)


def settle(payments: Payments, clock: Clock, new_id: NewId, webhook: Webhook) -> None:
    """Whatever this raises on purpose, it raises before it writes."""
    event: ProviderEvent = webhook.event
    match event.subject, event.object:
        case Subject.PAYMENT, ProviderObject() as payment:
            settle_deposit(payments, clock, new_id, payment.reference, payment)
        case Subject.PAYOUT, ProviderObject() as payout:
            settle_payout(payments, clock, new_id, payout.reference, payout)
        case Subject.REVERSAL, Reversal() as reversal:
            apply_reversal(payments, clock, new_id, webhook.provider, reversal)
        case _:
            webhook.ignore(f"{event.type} is nothing that we deal in")
            return
    webhook.applied()
