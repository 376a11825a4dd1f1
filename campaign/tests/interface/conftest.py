from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from campaign.service import CampaignService
from campaign.tests.mothers import (
    ACME_ID,
    ADA_ID,
    BANNER_ID,
    GLOBEX_ID,
    NOVA_ID,
    a_request,
    novas_eligibility,
)
from chassis.testing import eventually


@dataclass
class Line:
    """The campaign service between its neighbours, and those who use it."""

    container: Any
    acme: Any
    globex: Any
    nova: Any
    ada: Any
    nobody: Any
    participation: Any
    payment: Any
    participations: Any
    assets: Any
    streamers: Any

    def draft(self, **changes: Any) -> str:
        return str(self.acme.create(a_request(**changes))["id"])

    def approved(self, **changes: Any) -> str:
        campaign_id = self.draft(**changes)
        self.acme.submit({"campaign_id": campaign_id})
        self.ada.approve({"campaign_id": campaign_id})
        return campaign_id

    def active(self, **changes: Any) -> str:
        campaign_id = self.approved(**changes)
        self.acme.activate({"campaign_id": campaign_id})
        return campaign_id

    def campaign(self, campaign_id: str) -> dict[str, Any]:
        return dict(self.acme.get({"campaign_id": campaign_id}))

    def wait_until(self, campaign_id: str, **expected: Any) -> dict[str, Any]:
        """The campaign, as soon as these fields have these values."""

        def check() -> dict[str, Any] | None:
            campaign = self.campaign(campaign_id)
            return campaign if expected.items() <= campaign.items() else None

        found = eventually(check, deadline=15)
        assert found is not None
        return found


@pytest.fixture
def line(stub_service: Callable[..., Any], tokens: Any, rpc: Any, run_service: Callable[..., Any]) -> Line:
    """The container is asked for last, so that it stops before the neighbours that it may be calling."""
    return Line(
        payment=stub_service(
            "payment",
            reserve=lambda request: {"reservation": "txn_1", "escrow": request["amount"]},
            release_budget=lambda request: {"returned": {"amount_minor": 40_000, "currency": "USD"}},
        ),
        participations=stub_service(
            "participation",
            settle=lambda request: {**request, "earned": {"amount_minor": 10_000, "currency": "USD"}},
        ),
        assets=stub_service(
            "asset",
            describe=lambda request: {
                "assets": [{"asset_id": BANNER_ID, "owner_id": ACME_ID, "status": "ready", "variants": []}]
            },
        ),
        streamers=stub_service("streamer", eligibility=lambda request: novas_eligibility()),
        container=run_service(CampaignService),
        acme=rpc("campaign", token=tokens.issue("brand", ACME_ID)),
        globex=rpc("campaign", token=tokens.issue("brand", GLOBEX_ID)),
        nova=rpc("campaign", token=tokens.issue("streamer", NOVA_ID)),
        ada=rpc("campaign", token=tokens.issue("admin", ADA_ID)),
        nobody=rpc("campaign"),
        participation=rpc("campaign", user="participation"),
    )
