"""Other services' RPCs in the terms of this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaign.domain.campaign import Asset
from chassis.money import Money
from chassis.rpc.client import ServiceProxy

# A waiting user gets an answer even when a neighbour gets none.
READ_TIMEOUT_SECONDS = 3.0

# Only sagas move money and settle; they would rather wait than ask twice.
SAGA_TIMEOUT_SECONDS = 5.0


class Payment:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def reserve(self, campaign_id: str, brand_id: str, amount: Money, key: str) -> None:
        request = {
            "campaign_id": campaign_id,
            "brand_id": brand_id,
            "amount": amount.to_dict(),
            "idempotency_key": key,
        }
        self._proxy.reserve(request, timeout=SAGA_TIMEOUT_SECONDS)

    def release(self, campaign_id: str, brand_id: str, earned: Money | None, key: str) -> Money:
        request: dict[str, Any] = {
            "campaign_id": campaign_id,
            "brand_id": brand_id,
            "idempotency_key": key,
        }
        if earned is not None:
            request["earned"] = earned.to_dict()
        answer = self._proxy.release_budget(request, timeout=SAGA_TIMEOUT_SECONDS)
        return Money.from_dict(answer["returned"])


class Participations:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def settle(self, campaign_id: str, currency: str) -> Money:
        request = {"campaign_id": campaign_id, "currency": currency}
        answer = self._proxy.settle(request, timeout=SAGA_TIMEOUT_SECONDS)
        return Money.from_dict(answer["earned"])


class Streamers:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def eligibility(self, streamer_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._proxy.eligibility(
            {"streamer_id": streamer_id}, timeout=READ_TIMEOUT_SECONDS
        )
        return answer


class Assets:
    def __init__(self, proxy: ServiceProxy) -> None:
        self._proxy = proxy

    def describe(self, asset_ids: Sequence[str], owner_id: str) -> list[Asset]:
        request = {"asset_ids": list(asset_ids), "owner_id": owner_id}
        answer = self._proxy.describe(request, timeout=READ_TIMEOUT_SECONDS)
        return [Asset(found["asset_id"], found["owner_id"], found["status"]) for found in answer["assets"]]
