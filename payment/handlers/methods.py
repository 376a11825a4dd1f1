"""What customers pay with: kept by the provider, and only described here."""

from __future__ import annotations

from payment.domain.provider import PaymentMethod
from payment.handlers.ports import Providers


def describe_payment_method(providers: Providers, *, provider: str, reference: str) -> PaymentMethod:
    return providers.named(provider).find_payment_method(reference)
