"""Other services' RPCs in the terms of this one."""

from __future__ import annotations

from chassis.rpc.client import ServiceProxy

# Payment asks a provider, and gives up a little before.
TIMEOUT_SECONDS = 4.0


class Payments:
    def __init__(self, payment: ServiceProxy) -> None:
        self._payment = payment

    def describe(self, provider: str, reference: str) -> dict[str, str]:
        request = {"provider": provider, "reference": reference}
        answer = self._payment.describe_payment_method(request, timeout=TIMEOUT_SECONDS)
        return {name: str(answer[name]) for name in ("type", "brand", "last4", "expires")}
