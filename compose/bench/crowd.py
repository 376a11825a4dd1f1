"""A running campaign with many streamers in it, made over HTTP, for rows that need deliveries."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.rpc.client import RpcConnection
from compose.demo import media
from compose.demo.actors import Account, go_live, link_channel, log_in_admin, register_brand, usd
from compose.demo.actors import register_streamer as register
from compose.demo.api import Api, until
from compose.stack import Stack

VIEWERS = 120
BUDGET_MINOR = 10**9
"""More than a million showings earn: a row measures how earnings are posted, not how they are refused."""

CPM_MINOR = 500
AT_ONCE = 3


@dataclass(frozen=True)
class Overlay:
    """One streamer's link, and what its manifest said."""

    token: str
    session_id: str
    key: str
    participation_id: str
    creative_id: str


@dataclass(frozen=True)
class Crowd:
    """`campaign_id` is a running campaign of `brand`; every overlay shows its one creative."""

    brand: Account
    campaign_id: str
    overlays: list[Overlay]

    def booked(self) -> tuple[int, int]:
        """(Minor units earned in the ledger, showings visible in analytics.)"""
        ledger = self.brand.api.get(f"/v1/campaigns/{self.campaign_id}/ledger")
        summary = self.brand.api.get(f"/v1/analytics/campaigns/{self.campaign_id}/summary")
        return ledger["earned_gross"]["amount_minor"], summary["figures"]["rendered"]


def gather(stack: Stack, rpc: RpcConnection, streamers: int, say: Callable[[str], None]) -> Crowd:
    """A brand that deposits, a campaign that is active, and streamers whose overlays are open."""
    run = uuid.uuid4().hex[:8]
    api = Api(stack.public_url)
    say(f"a brand, its campaign, and {streamers} streamers")
    admin = an_admin(api, rpc, run)
    brand = a_funded_brand(api, run)
    campaign_id = a_campaign(brand, admin, run)

    def join(number: int) -> Overlay:
        return enlist(stack, api, admin, brand, campaign_id, f"streamer{number:03}", run)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Crowd(brand, campaign_id, list(pool.map(join, range(streamers))))


def an_admin(api: Api, rpc: RpcConnection, run: str) -> Account:
    email = f"admin-{run}@gametriggers.example"
    created = rpc.call("identity", "create_admin", {"email": email})
    return log_in_admin(api, email, created["one_time_password"])


def a_funded_brand(api: Api, run: str) -> Account:
    brand = register_brand(api, run)
    deposit = brand.api.post("/v1/wallet/deposits", {"amount": usd(BUDGET_MINOR), "provider": "sandbox"})
    path = f"/v1/wallet/deposits/{deposit['id']}"
    until("the deposit's webhook", lambda: brand.api.get(path)["status"] == "succeeded")
    return brand


def a_campaign(brand: Account, admin: Account, run: str) -> str:
    asset = brand.api.upload("/v1/assets", "creative.png", media.banner(f"Measured {run}"), "creative")
    path = f"/v1/assets/{asset['id']}"
    until("the variants of a creative", lambda: brand.api.get(path)["status"] == "ready", deadline=60)
    draft: dict[str, Any] = brand.api.post("/v1/campaigns", brief(asset["id"], run))
    brand.api.post(f"/v1/campaigns/{draft['id']}/submit")
    admin.api.post(f"/v1/admin/campaigns/{draft['id']}/approve")
    brand.api.post(f"/v1/campaigns/{draft['id']}/activate")
    return str(draft["id"])


def brief(asset_id: str, run: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "name": f"Measured {run}",
        "description": "Shown as often as it can be.",
        "budget": usd(BUDGET_MINOR),
        "start_at": now.isoformat(),
        "end_at": (now + timedelta(days=7)).isoformat(),
        "creatives": [{"asset_id": asset_id, "placement": "banner", "duration_s": 5, "weight": 1}],
        "compensation": {"type": "cpm", "cpm_minor": CPM_MINOR},
        "approval": "auto",
        "frequency": {"min_seconds_between": 0, "max_per_hour": 3_600, "max_per_stream": 10_000},
        "pacing": "asap",
    }


def enlist(
    stack: Stack, api: Api, admin: Account, brand: Account, campaign_id: str, name: str, run: str
) -> Overlay:
    """A streamer who is on air, has joined, and whose overlay has fetched its manifest."""
    login = f"{name}_{run}"
    go_live(stack.http("TWITCH_PORT"), login, VIEWERS)
    streamer = register(api, run, name)
    link_channel(streamer, admin, login)
    applied = f"/v1/campaigns/{campaign_id}/applications"
    streamer.api.post(applied)
    token = streamer.api.get("/v1/overlay-link")["token"]
    manifest = until("a creative in the manifest", lambda: with_a_creative(api, token))
    creative = manifest["creatives"][0]
    return Overlay(
        token=token,
        session_id=manifest["session"]["id"],
        key=manifest["session"]["key"],
        participation_id=creative["participation_id"],
        creative_id=creative["creative_id"],
    )


def with_a_creative(api: Api, token: str) -> dict[str, Any] | None:
    manifest: dict[str, Any] = api.get(f"/overlay/{token}/manifest")
    return manifest if manifest["creatives"] else None
