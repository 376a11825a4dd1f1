"""The HTTP surface as it was agreed: what each route calls, and who may use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway import examples as example
from gateway.examples import EXAMPLES

SCOPES = {
    "brand": [
        "profile:write",
        "billing:read",
        "billing:write",
        "team:read",
        "team:manage",
        "keys:manage",
        "campaigns:read",
        "campaigns:write",
        "participations:read",
        "participations:manage",
        "wallet:read",
        "wallet:write",
        "assets:read",
        "assets:write",
        "analytics:read",
        "notifications:read",
        "notifications:write",
        "webhooks:manage",
    ],
    "streamer": [
        "profile:write",
        "marketplace:read",
        "participations:write",
        "overlay:manage",
        "wallet:read",
        "payouts:request",
        "payouts:method",
        "analytics:read",
        "notifications:read",
        "notifications:write",
    ],
    "admin": [
        "admin:campaigns",
        "admin:streamers",
        "admin:ledger",
        "admin:permissions",
        "admin:audit",
        "admin:impersonate",
        "admin:invite",
    ],
}
# What a member's token carries, by role; compose/tests holds it against identity's table.
ROLES: dict[str, list[str]] = {
    "owner": SCOPES["brand"],
    "manager": [
        "profile:write",
        "team:read",
        "campaigns:read",
        "campaigns:write",
        "participations:read",
        "participations:manage",
        "wallet:read",
        "assets:read",
        "assets:write",
        "analytics:read",
        "notifications:read",
        "notifications:write",
    ],
    "finance": [
        "billing:read",
        "billing:write",
        "team:read",
        "campaigns:read",
        "wallet:read",
        "wallet:write",
        "assets:read",
        "analytics:read",
        "notifications:read",
    ],
    "approver": [
        "team:read",
        "campaigns:read",
        "participations:read",
        "participations:manage",
        "assets:read",
        "analytics:read",
        "notifications:read",
    ],
    "viewer": [
        "team:read",
        "campaigns:read",
        "participations:read",
        "assets:read",
        "analytics:read",
        "notifications:read",
    ],
}
EVERYBODY = ("brand", "streamer", "admin")
BRAND, STREAMER, ADMIN = ("brand",), ("streamer",), ("admin",)
BOTH = ("brand", "streamer")
NOBODY_IN_PARTICULAR = ()

CMP = {"campaign_id": example.CAMPAIGN}
PRT = {"participation_id": example.PARTICIPATION}
WHE = {"endpoint_id": example.WEBHOOK_ENDPOINT}
TOKEN = {"token": example.OVERLAY_TOKEN}
PAGE = {"limit": 20}


@dataclass(frozen=True)
class Route:
    """`kinds` may use it (none: no token is needed); `asks` is the RPC, `with_` part of its request."""

    method: str
    path: str
    kinds: tuple[str, ...]
    asks: str
    with_: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    body: str = ""

    @property
    def json(self) -> Any:
        return EXAMPLES[self.body] if self.body else None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def get(path: str, kinds: tuple[str, ...], asks: str, with_: dict[str, Any] | None = None) -> Route:
    return Route("GET", path, kinds, asks, with_ or {})


def post(
    path: str,
    kinds: tuple[str, ...],
    asks: str,
    with_: dict[str, Any] | None = None,
    status: int = 200,
    body: str = "",
) -> Route:
    return Route("POST", path, kinds, asks, with_ or {}, status, body)


C = f"/v1/campaigns/{example.CAMPAIGN}"
P = f"/v1/participations/{example.PARTICIPATION}"
O = f"/overlay/{example.OVERLAY_TOKEN}"  # noqa: E741
A = f"/v1/analytics/campaigns/{example.CAMPAIGN}"
W = f"/v1/webhook-endpoints/{example.WEBHOOK_ENDPOINT}"
PUBLIC = NOBODY_IN_PARTICULAR

ROUTES = [
    post("/v1/brands/register", PUBLIC, "identity.register_brand", {}, 201, "register_brand"),
    post("/v1/streamers/register", PUBLIC, "identity.register_streamer", {}, 201, "register_streamer"),
    post("/v1/brands/login", PUBLIC, "identity.login", {"kind": "brand"}, body="login"),
    post("/v1/streamers/login", PUBLIC, "identity.login", {"kind": "streamer"}, body="login"),
    post("/v1/members/accept", PUBLIC, "identity.accept_invitation", {}, 201, "accept_invitation"),
    post("/v1/members/login", PUBLIC, "identity.login_member", body="login_member"),
    post("/v1/admin/login", PUBLIC, "identity.login", {"kind": "admin"}, body="login"),
    get("/v1/auth/providers", STREAMER, "identity.list_provider_links", PAGE),
    Route(
        "DELETE",
        "/v1/auth/providers/twitch",
        STREAMER,
        "identity.unlink_provider",
        {"provider": "twitch"},
        204,
    ),
    post("/v1/auth/refresh", PUBLIC, "identity.refresh", body="refresh"),
    post("/v1/auth/logout", EVERYBODY, "identity.logout", {}, 204),
    get("/v1/auth/sessions", EVERYBODY, "identity.list_sessions", PAGE),
    Route(
        "DELETE",
        f"/v1/auth/sessions/{example.SESSION}",
        EVERYBODY,
        "identity.revoke_session",
        {"sid": example.SESSION},
        204,
    ),
    post("/v1/auth/verify-email", PUBLIC, "identity.verify_email", {}, 204, "link_token"),
    post("/v1/auth/verify-email/resend", EVERYBODY, "identity.resend_verification", {}, 202),
    post(
        "/v1/auth/password/forgot",
        PUBLIC,
        "identity.forgot_password",
        {"address": "127.0.0.1"},
        202,
        "forgot_password",
    ),
    post("/v1/auth/password/reset", PUBLIC, "identity.reset_password", {}, 204, "reset_password"),
    post("/v1/auth/password", EVERYBODY, "identity.change_password", {}, 204, "change_password"),
    post("/v1/auth/step-up", EVERYBODY, "identity.step_up", body="step_up"),
    get("/v1/auth/totp", EVERYBODY, "identity.get_totp"),
    post("/v1/auth/totp", EVERYBODY, "identity.begin_totp", {}, 201),
    post("/v1/auth/totp/confirm", EVERYBODY, "identity.confirm_totp", body="confirm_totp"),
    Route("DELETE", "/v1/auth/totp", EVERYBODY, "identity.disable_totp", {}, 204),
    post("/v1/auth/recovery-codes", EVERYBODY, "identity.replace_recovery_codes", {}, 201),
    get("/v1/auth/security-events", EVERYBODY, "identity.list_security_events", PAGE),
    get(
        f"/v1/admin/audit?account_id={example.BRAND}",
        ADMIN,
        "identity.list_audit",
        {"account_id": example.BRAND, **PAGE},
    ),
    post("/v1/admin/invitations", ADMIN, "identity.invite_admin", {}, 201, "invite_admin"),
    post(
        "/v1/admin/invitations/accept",
        PUBLIC,
        "identity.accept_admin_invitation",
        {},
        204,
        "accept_admin_invitation",
    ),
    post("/v1/admin/impersonate", ADMIN, "identity.impersonate", {}, 201, "impersonate"),
    post("/v1/admin/permissions/explain", ADMIN, "identity.explain", body="explain"),
    get("/v1/api-keys", BRAND, "identity.list_api_keys", PAGE),
    post("/v1/api-keys", BRAND, "identity.create_api_key", {}, 201, "create_api_key"),
    Route(
        "DELETE",
        f"/v1/api-keys/{example.API_KEY}",
        BRAND,
        "identity.revoke_api_key",
        {"key_id": example.API_KEY},
        204,
    ),
    get("/.well-known/jwks.json", PUBLIC, "identity.jwks"),
    get("/v1/brands/me", BRAND, "brand.get_profile"),
    Route("PATCH", "/v1/brands/me", BRAND, "brand.update_profile", body="update_brand_profile"),
    post("/v1/brands/me/verification", BRAND, "brand.request_verification"),
    post("/v1/brands/me/payment-methods", BRAND, "brand.add_payment_method", {}, 201, "add_payment_method"),
    Route(
        "DELETE",
        f"/v1/brands/me/payment-methods/{example.PAYMENT_METHOD}",
        BRAND,
        "brand.remove_payment_method",
        {"payment_method_id": example.PAYMENT_METHOD},
        204,
    ),
    get("/v1/brands/me/team", BRAND, "brand.list_team", PAGE),
    post("/v1/brands/me/team", BRAND, "brand.invite", {}, 201, "invite_person"),
    Route(
        "PATCH",
        f"/v1/brands/me/team/{example.MEMBER}",
        BRAND,
        "brand.change_role",
        {"member_id": example.MEMBER},
        body="change_role",
    ),
    Route("DELETE", "/v1/brands/me/team/me", BRAND, "brand.leave_team", {}, 204),
    Route(
        "DELETE",
        f"/v1/brands/me/team/{example.MEMBER}",
        BRAND,
        "brand.remove_member",
        {"member_id": example.MEMBER},
        204,
    ),
    Route(
        "DELETE",
        f"/v1/brands/me/team/invitations/{example.INVITATION}",
        BRAND,
        "brand.withdraw_invitation",
        {"invitation_id": example.INVITATION},
        204,
    ),
    get(f"/v1/brands/{example.BRAND}", PUBLIC, "brand.public_profile", {"brand_id": example.BRAND}),
    get("/v1/streamers/me", STREAMER, "streamer.get_profile"),
    Route("PATCH", "/v1/streamers/me", STREAMER, "streamer.update_profile", body="update_streamer_profile"),
    get(
        f"/v1/streamers/{example.STREAMER}",
        PUBLIC,
        "streamer.public_profile",
        {"streamer_id": example.STREAMER},
    ),
    post("/v1/streamers/me/platforms", STREAMER, "streamer.link_platform", {}, 201, "link_platform"),
    Route(
        "DELETE",
        "/v1/streamers/me/platforms/twitch",
        STREAMER,
        "streamer.unlink_platform",
        {"name": "twitch"},
        204,
    ),
    Route(
        "PUT", "/v1/streamers/me/payout-method", STREAMER, "streamer.set_payout_method", body="payout_method"
    ),
    get("/v1/streamers/me/earnings", STREAMER, "participation.earnings_summary"),
    post(
        f"/v1/admin/streamers/{example.STREAMER}/platforms/twitch/verify",
        ADMIN,
        "streamer.verify_platform",
        {"streamer_id": example.STREAMER, "name": "twitch", "status": "verified"},
        body="verify_platform",
    ),
    post("/v1/campaigns", BRAND, "campaign.create", {}, 201, "create_campaign"),
    get("/v1/campaigns", BRAND, "campaign.list", PAGE),
    get(C, EVERYBODY, "campaign.get", CMP),
    Route("PATCH", C, BRAND, "campaign.update", CMP, body="update_campaign"),
    Route("DELETE", C, BRAND, "campaign.delete", CMP, 204),
    *(
        post(f"{C}/{verb}", BRAND, f"campaign.{verb}", CMP)
        for verb in ("submit", "activate", "pause", "resume")
    ),
    *(post(f"{C}/{verb}", BRAND, f"campaign.{verb}", CMP) for verb in ("complete", "cancel")),
    post(f"{C}/clone", BRAND, "campaign.clone", CMP, 201),
    get(f"{C}/history", ("brand", "admin"), "campaign.history", {**CMP, **PAGE}),
    get(f"{C}/ledger", BRAND, "payment.campaign_ledger", CMP),
    get("/v1/marketplace/campaigns", STREAMER, "campaign.marketplace", PAGE),
    get("/v1/admin/campaigns", ADMIN, "campaign.review_queue", PAGE),
    post(f"/v1/admin/campaigns/{example.CAMPAIGN}/approve", ADMIN, "campaign.approve", CMP),
    post(f"/v1/admin/campaigns/{example.CAMPAIGN}/reject", ADMIN, "campaign.reject", CMP, body="reason"),
    get(f"/v1/admin/campaigns/{example.CAMPAIGN}/ledger", ADMIN, "payment.campaign_ledger", CMP),
    get("/v1/admin/ledger/verify", ADMIN, "payment.verify_ledger"),
    get(
        "/v1/admin/ledger/reconciliation?provider=stripe&since=2026-11-23T05:00:00Z&until=2026-11-24T05:00:00Z",
        ADMIN,
        "payment.reconcile",
        {"provider": "stripe"},
    ),
    post(f"{C}/applications", STREAMER, "participation.apply", CMP, 201),
    get(f"{C}/applications", BRAND, "participation.list_applications", {**CMP, **PAGE}),
    get("/v1/participations", STREAMER, "participation.list_mine", PAGE),
    get(P, BOTH, "participation.get", PRT),
    post(f"{P}/approve", BRAND, "participation.approve", PRT),
    post(f"{P}/reject", BRAND, "participation.reject", PRT, body="reason"),
    post(f"{P}/pause", BOTH, "participation.pause", PRT),
    post(f"{P}/resume", BOTH, "participation.resume", PRT),
    post(f"{P}/leave", STREAMER, "participation.leave", PRT),
    post(f"{P}/remove", BRAND, "participation.remove", PRT, body="reason"),
    get(f"{P}/deliveries", BOTH, "participation.deliveries", {**PRT, **PAGE}),
    get(f"{P}/earnings", BOTH, "participation.earnings", PRT),
    get("/v1/overlay-link", STREAMER, "participation.overlay_link"),
    post("/v1/overlay-link", STREAMER, "participation.replace_overlay_link", {}, 201),
    post("/v1/overlay-link/test", STREAMER, "participation.show_test", {}, 204),
    get(f"{O}/manifest", PUBLIC, "participation.manifest", TOKEN),
    post(f"{O}/deliveries", PUBLIC, "participation.post_deliveries", TOKEN, 202, "post_deliveries"),
    get(f"/v1/assets/{example.ASSET}", BRAND, "asset.get", {"asset_id": example.ASSET}),
    get("/v1/wallet", BOTH, "payment.wallet"),
    post("/v1/wallet/deposits", BRAND, "payment.deposit", {"provider": "sandbox"}, 201, "create_deposit"),
    get(
        f"/v1/wallet/deposits/{example.DEPOSIT}", BOTH, "payment.get_deposit", {"deposit_id": example.DEPOSIT}
    ),
    get("/v1/wallet/transactions", BOTH, "payment.transactions", PAGE),
    get("/v1/invoices", BOTH, "payment.list_invoices", PAGE),
    get(f"/v1/invoices/{example.INVOICE}", BOTH, "payment.get_invoice", {"invoice_id": example.INVOICE}),
    post("/v1/payouts", STREAMER, "payment.request_payout", {}, 201, "request_payout"),
    get("/v1/payouts", STREAMER, "payment.list_payouts", PAGE),
    get(f"/v1/payouts/{example.PAYOUT}", STREAMER, "payment.get_payout", {"payout_id": example.PAYOUT}),
    get(f"{A}/summary", ("brand", "admin"), "analytics.campaign_summary", CMP),
    get(
        f"{A}/timeseries?metric=qualified&bucket=hour",
        ("brand", "admin"),
        "analytics.campaign_timeseries",
        {**CMP, "metric": "qualified", "bucket": "hour"},
    ),
    get(
        f"{A}/breakdown?by=platform&limit=5",
        ("brand", "admin"),
        "analytics.campaign_breakdown",
        {**CMP, "by": "platform", "limit": 5},
    ),
    get(f"{A}/funnel", ("brand", "admin"), "analytics.campaign_funnel", CMP),
    get("/v1/analytics/streamers/me/summary", STREAMER, "analytics.streamer_summary"),
    get(
        "/v1/analytics/streamers/me/timeseries?metric=qualified",
        STREAMER,
        "analytics.streamer_timeseries",
        {"metric": "qualified"},
    ),
    get(
        "/v1/analytics/streamers/me/breakdown?by=campaign",
        STREAMER,
        "analytics.streamer_breakdown",
        {"by": "campaign"},
    ),
    get("/v1/analytics/streamers/me/funnel", STREAMER, "analytics.streamer_funnel"),
    get("/v1/notifications", BOTH, "notification.list", PAGE),
    post(
        f"/v1/notifications/{example.NOTIFICATION}/read",
        BOTH,
        "notification.mark_read",
        {"notification_id": example.NOTIFICATION},
    ),
    get("/v1/notifications/preferences", BOTH, "notification.get_preferences"),
    Route(
        "PUT",
        "/v1/notifications/preferences",
        BOTH,
        "notification.set_preferences",
        body="set_preferences",
    ),
    get("/v1/webhook-endpoints", BRAND, "notification.list_webhook_endpoints", PAGE),
    post(
        "/v1/webhook-endpoints",
        BRAND,
        "notification.create_webhook_endpoint",
        {},
        201,
        "create_webhook_endpoint",
    ),
    get(W, BRAND, "notification.get_webhook_endpoint", WHE),
    Route("PATCH", W, BRAND, "notification.update_webhook_endpoint", WHE, body="update_webhook_endpoint"),
    Route("DELETE", W, BRAND, "notification.delete_webhook_endpoint", WHE, 204),
    post(f"{W}/rotate-secret", BRAND, "notification.rotate_webhook_secret", WHE),
    post(f"{W}/test", BRAND, "notification.test_webhook_endpoint", WHE, 202),
    get(f"{W}/deliveries?status=parked", BRAND, "notification.list_webhook_deliveries", WHE | PAGE),
    post(f"{W}/deliveries/replay", BRAND, "notification.replay_webhook_deliveries", WHE, 202),
    post(
        f"{W}/deliveries/{example.WEBHOOK_MESSAGE}/replay",
        BRAND,
        "notification.replay_webhook_delivery",
        WHE | {"delivery_id": example.WEBHOOK_MESSAGE},
        202,
    ),
]
