"""Two brands, one with a team, two streamers and an admin on a platform that runs, and one of each thing that
has an id."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.config import Settings
from chassis.rpc.client import RpcConnection
from chassis.tokens import audience_of
from compose.demo import media
from compose.demo.actors import (
    IBAN,
    PASSWORD,
    Account,
    go_live,
    link_channel,
    log_in,
    log_in_admin,
    mailed_token,
    register_brand,
    register_streamer,
    usd,
)
from compose.demo.api import Api, until
from compose.names import OPERATOR
from compose.security.signing import Mint
from compose.stack import Stack

ROLES = ("manager", "finance", "approver", "viewer")
KEY_SCOPES = (
    "campaigns:read",
    "campaigns:write",
    "participations:read",
    "assets:read",
    "assets:write",
    "wallet:read",
    "analytics:read",
)

DEPOSIT_MINOR, BUDGET_MINOR = 500_000, 100_000
VIEWERS = 500


@dataclass
class Stage:
    """`members` are the brand's, by role; `tokens` are who comes.

    `ids` are the values of path parameters: what brand and streamer own.
    """

    url: str
    brand: Account
    other_brand: Account
    streamer: Account
    other_streamer: Account
    admin: Account
    members: dict[str, Account] = field(default_factory=dict)
    api_key: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def build(stack: Stack) -> Stage:
    """Takes a few seconds, most of them for a picture to be prepared and a deposit to be paid."""
    api, run = Api(stack.public_url), uuid.uuid4().hex[:8]
    stage = Stage(
        stack.public_url,
        brand=register_brand(api, run),
        other_brand=register_brand(api, f"other-{run}"),
        streamer=register_streamer(api, run, "nova"),
        other_streamer=register_streamer(api, run, "vega"),
        admin=new_admin(stack, api, run),
    )
    invited = {role: str(invite(stage.brand, role, f"{role}-{run}")["email"]) for role in ROLES}
    furnish(stage, stack, run)
    stage.members = {role: join(api, stack.layout.mail, email) for role, email in invited.items()}
    stage.ids["member_id"] = stage.members["viewer"].id
    let_in(stage, Mint.of(stack), api)
    return stage


def invite(brand: Account, role: str, name: str) -> dict[str, Any]:
    body = {"email": f"{name}@acme.example", "role": role}
    invited: dict[str, Any] = brand.api.post("/v1/brands/me/team", body)
    return invited


def join(api: Api, mail_dir: Path, email: str) -> Account:
    """With the link that was mailed; the answer is a log-in."""
    token = until(f"the invitation of {email}", lambda: mailed_token(mail_dir, email))
    body = {"token": token, "password": PASSWORD, "name": "Kim Lund"}
    session = api.post("/v1/members/accept", body)
    return Account(session["account"]["id"], email, Api(api.base_url, session["access_token"]))


def new_admin(stack: Stack, api: Api, run: str, *, with_app: bool = True) -> Account:
    email = f"admin-{run}@gametriggers.example"
    connection = RpcConnection(stack.amqp_uri(OPERATOR), OPERATOR)
    try:
        created = connection.call("identity", "create_admin", {"email": email})
    finally:
        connection.close()
    password = created["one_time_password"]
    return log_in_admin(api, email, password) if with_app else log_in(api, "/v1/admin/login", email, password)


def furnish(stage: Stage, stack: Stack, run: str) -> None:
    brand, streamer = stage.brand.api, stage.streamer.api
    deposit = brand.post("/v1/wallet/deposits", {"amount": usd(DEPOSIT_MINOR), "provider": "sandbox"})
    picture = brand.upload("/v1/assets", "creative.png", media.banner(f"Run {run}"), "creative")
    until("the deposit", lambda: brand.get(f"/v1/wallet/deposits/{deposit['id']}")["status"] == "succeeded")
    until("the picture", lambda: brand.get(f"/v1/assets/{picture['id']}")["status"] == "ready")
    campaign = launched(stage, picture["id"], run)
    go_live(stack.http("TWITCH_PORT"), f"nova_{run}", VIEWERS)
    link_channel(stage.streamer, stage.admin, f"nova_{run}")
    bank = {"method": "bank", "account_holder": "Nova Berg", "account_details": IBAN}
    streamer.put("/v1/streamers/me/payout-method", bank)
    application = until("a place in the campaign", lambda: applied(streamer, campaign))
    brand.post(f"/v1/participations/{application['id']}/approve")
    key = brand.post("/v1/api-keys", {"name": "Reporting", "scopes": ["campaigns:read"]})
    visa = {"provider": "sandbox", "reference": "pm_card_visa"}
    card = brand.post("/v1/brands/me/payment-methods", visa)
    guest = brand.post("/v1/brands/me/team", {"email": f"guest-{run}@acme.example", "role": "viewer"})
    # The health page takes no POST, and that is an answer, too.
    endpoint = brand.post("/v1/webhook-endpoints", {"url": f"{stage.url}/health/live"})
    webhook = brand.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")
    stage.api_key = brand.post("/v1/api-keys", {"name": "Server", "scopes": KEY_SCOPES})["key"]
    stage.ids = {
        "brand_id": stage.brand.id,
        "streamer_id": stage.streamer.id,
        "campaign_id": campaign,
        "participation_id": application["id"],
        "asset_id": picture["id"],
        "deposit_id": deposit["id"],
        "invoice_id": first(stage.brand, "/v1/invoices"),
        "notification_id": first(stage.brand, "/v1/notifications"),
        "sid": brand.get("/v1/auth/sessions")["items"][0]["sid"],
        "key_id": key["id"],
        "invitation_id": guest["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": webhook["id"],
        "payment_method_id": card["id"],
        "token": streamer.get("/v1/overlay-link")["token"],
        "name": "twitch",
        "provider": "twitch",
        "key": brand.get(f"/v1/assets/{picture['id']}")["variants"][0]["url"].partition("/media/")[2],
    }


def launched(stage: Stage, picture: str, run: str) -> str:
    now = datetime.now(UTC)
    brief = {
        "name": f"Stage {run}",
        "description": "Something to look at.",
        "budget": usd(BUDGET_MINOR),
        "start_at": now.isoformat(),
        "end_at": (now + timedelta(days=7)).isoformat(),
        "requirements": {"min_average_viewers": 1, "platforms": ["twitch"]},
        "creatives": [{"asset_id": picture, "placement": "banner", "weight": 1, "duration_s": 5}],
        "compensation": {"type": "cpm", "cpm_minor": 100},
        "approval": "manual",
        "category": "beverages",
    }
    campaign = str(stage.brand.api.post("/v1/campaigns", brief)["id"])
    stage.brand.api.post(f"/v1/campaigns/{campaign}/submit")
    stage.admin.api.post(f"/v1/admin/campaigns/{campaign}/approve")
    stage.brand.api.post(f"/v1/campaigns/{campaign}/activate")
    return campaign


def applied(streamer: Api, campaign: str) -> dict[str, Any] | None:
    """None until the marketplace, which hears of both by events, has the campaign for this streamer."""
    offers = streamer.every("/v1/marketplace/campaigns")
    if not any(offer["campaign"]["id"] == campaign and offer["eligible"] for offer in offers):
        return None
    application: dict[str, Any] = streamer.post(f"/v1/campaigns/{campaign}/applications")
    return application


def first(of: Account, path: str) -> str:
    """The id of the newest there, once there is one."""
    return str(until(f"something under {path}", lambda: of.api.get(path)["items"])[0]["id"])


def let_in(stage: Stage, mint: Mint, api: Api) -> None:
    """Who comes to each route, and with which token. A new role is one more line."""
    brand, credentials = stage.brand.id, {"email": stage.streamer.email, "password": PASSWORD}
    ended, other = (api.post("/v1/streamers/login", credentials) for _ in range(2))
    Api(api.base_url, ended["access_token"]).post("/v1/auth/logout")
    elsewhere = audience_of(Settings.token_audience, {"kind": "admin"})
    stage.tokens = {
        "anonymous": "",
        "brand": mint.token("brand", brand, "owner"),
        "other brand": mint.token("brand", stage.other_brand.id, "owner"),
        **{role: member.api.token for role, member in stage.members.items()},
        "streamer": mint.token("streamer", stage.streamer.id, "streamer"),
        "other streamer": mint.token("streamer", stage.other_streamer.id, "streamer"),
        "admin": mint.token("admin", stage.admin.id, "admin"),
        "admin by password": mint.token("admin", stage.admin.id, "admin", acr="pwd"),
        "expired": mint.token("brand", brand, "owner", iat=0, exp=1),
        "revoked": ended["access_token"],
        "wrong audience": mint.token("brand", brand, "owner", aud=elsewhere),
        "refresh token": other["refresh_token"],
    }
