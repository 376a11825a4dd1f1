"""The payment providers' protocols, each behind handlers.ports.PaymentProvider."""

from __future__ import annotations

from collections.abc import Mapping

from payment.domain.errors import ProviderNotConfigured
from payment.handlers.ports import PaymentProvider


class Providers:
    """The providers that this installation may use, by name."""

    def __init__(self, configured: Mapping[str, PaymentProvider]) -> None:
        self._configured = dict(configured)

    def named(self, name: str) -> PaymentProvider:
        if name not in self._configured:
            raise ProviderNotConfigured(f"{name} is not configured here")
        return self._configured[name]
