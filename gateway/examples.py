"""Examples for the OpenAPI document, by name. Tests hold each of them against its schema."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

BRAND = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
STREAMER = "str_01jd2e7z5pf3rs8w6r8q6v2k1n"
ADMIN = "adm_01jd2e7z5pf3rs8w6r8q6v2k1p"
CAMPAIGN = "cmp_01jd2e7z5pf3rs8w6r8q6v2k1q"
PARTICIPATION = "prt_01jd2e7z5pf3rs8w6r8q6v2k1r"
ASSET = "ast_01jd2e7z5pf3rs8w6r8q6v2k1s"
CREATIVE = "crv_01jd2e7z5pf3rs8w6r8q6v2k1t"
DEPOSIT = "dep_01jd2e7z5pf3rs8w6r8q6v2k1v"
PAYOUT = "pay_01jd2e7z5pf3rs8w6r8q6v2k1w"
INVOICE = "inv_01jd2e7z5pf3rs8w6r8q6v2k1x"
TRANSACTION = "txn_01jd2e7z5pf3rs8w6r8q6v2k1y"
NOTIFICATION = "ntf_01jd2e7z5pf3rs8w6r8q6v2k1z"
SESSION = "ses_01jd2e7z5pf3rs8w6r8q6v2k20"
IMPERSONATION = "sup_01jd2e7z5pf3rs8w6r8q6v2k23"
API_KEY = "key_01jd2e7z5pf3rs8w6r8q6v2k21"
MEMBER = "mem_01jd2e7z5pf3rs8w6r8q6v2k22"
PAYMENT_METHOD = "pmt_01jd2e7z5pf3rs8w6r8q6v2k24"
INVITATION = "ivt_01jd2e7z5pf3rs8w6r8q6v2k23"
WEBHOOK_ENDPOINT = "whe_01jd2e7z5pf3rs8w6r8q6v2k25"
WEBHOOK_MESSAGE = "msg_01jd2e7z5pf3rs8w6r8q6v2k26"
DELIVERY = "8b0f5c0e-6a3a-4c53-9f2b-0d9f8f0a5b11"
AT = "2026-11-23T05:00:00.000000Z"
END = "2026-12-23T05:00:00.000000Z"
LINK_TOKEN = "Yb1o9c0VxqL8sX3n5T7uK2mD4fG6hJ0pR1tW9zQeAiE"
OVERLAY_TOKEN = "q3Vw0c1n8bJx7yT2mK5rLZs9dF4hGpAeUoXiW6vBtNE"


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None}


def session(account_id: str, kind: str, email: str) -> dict[str, Any]:
    return {
        "account": {"id": account_id, "kind": kind, "email": email, "email_verified": True, "created_at": AT},
        "membership": None,
        "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJpc3MiOiJnYW1ldHJpZ2dlcnMifQ.c2ln",
        "refresh_token": "Yb1o9c0VxqL8sX3n5T7uK2mD4fG6hJ0pR1tW9zQeAiE",
        "expires_in": 900,
        "token_type": "Bearer",
    }


API_KEY_LISTED = {
    "id": API_KEY,
    "made_by": None,
    "name": "Reporting server",
    "prefix": "gtk_01jd2e7z5pf3rs8w6r8q6v2k21",
    "scopes": ["analytics:read", "campaigns:read"],
    "created_at": AT,
    "last_used_at": None,
    "expires_at": None,
}

CONTACT = {"name": "Ada Lund", "position": "Marketing", "phone": "+4915112345678"}
BILLING = {"address": "1 Main Street, Springfield", "tax_id": "DE123456789"}
STORED_METHOD = {
    "id": PAYMENT_METHOD,
    "provider": "sandbox",
    "type": "card",
    "brand": "visa",
    "last4": "4242",
    "expires": "2034-12",
    "added_at": AT,
}
BRAND_PROFILE = {
    "id": BRAND,
    "email": "ads@acme.example",
    "company_name": "Acme Energy",
    "industry": "beverages",
    "contact_person": CONTACT,
    "billing_info": {**BILLING, "payment_methods": [STORED_METHOD]},
    "marketing_preferences": {
        "target_demographics": ["18-24"],
        "content_categories": ["gaming"],
        "budget_range": {"min": usd(10000), "max": usd(500000)},
    },
    "verification_status": "unverified",
    "created_at": AT,
    "updated_at": AT,
    "version": 7,
}
TEAM_MEMBER = {
    "id": MEMBER,
    "status": "active",
    "email": "finn@acme.example",
    "name": "Finn Okafor",
    "role": "finance",
    "since": AT,
    "expires_at": None,
}
INVITED_PERSON = {
    "id": INVITATION,
    "status": "invited",
    "email": "vera@acme.example",
    "name": "",
    "role": "viewer",
    "since": AT,
    "expires_at": END,
}
METRICS = {"followers": 4200, "average_viewers": 130, "peak_viewers": 410, "content_category": ["gaming"]}
PLATFORM = {
    "name": "twitch",
    "username": "nova",
    "channel_url": "https://www.twitch.tv/nova",
    "metrics": METRICS,
    "verification_status": "verified",
}
MEASURED_PLATFORM = {
    "name": "twitch",
    "username": "nova",
    "followers": 4200,
    "average_viewers": 130,
    "peak_viewers": 410,
    "content_categories": ["gaming"],
}
DEMOGRAPHICS = {
    "primary_country": "DE",
    "languages": ["de", "en"],
    "audience_age_ranges": ["18-24", "25-34"],
    "audience_interests": ["strategy games"],
}
CAMPAIGN_FIELDS = {
    "name": "Winter launch",
    "description": "A new flavour for long nights.",
    "budget": usd(50000),
    "start_at": AT,
    "end_at": END,
    "targeting": {"countries": ["DE"], "languages": ["en"], "age_ranges": ["18-24"], "interests": []},
    "requirements": {
        "min_average_viewers": 50,
        "min_followers": 1000,
        "content_categories": ["gaming"],
        "platforms": ["twitch"],
    },
    "creatives": [{"asset_id": ASSET, "placement": "banner", "duration_s": 8, "weight": 1}],
    "compensation": {"type": "hybrid", "cpm_minor": 1500, "flat_minor": 500, "required_deliveries": 5},
    "approval": "manual",
    "frequency": {"min_seconds_between": 60, "max_per_hour": 30, "max_per_stream": 100},
    "pacing": "even",
    "max_participants": 100,
    "blocked_streamers": [],
    "category": "beverages",
}
CAMPAIGN_STATE = {
    "id": CAMPAIGN,
    "brand_id": BRAND,
    "status": "active",
    "currency": "USD",
    "funded": True,
    "places_left": 97,
    "pending_budget": None,
    "returned": None,
    "rejection_reason": None,
    "activation_error": None,
    "spent": usd(1250),
    "participants": 3,
    "version": 5,
    "created_at": AT,
    "updated_at": AT,
}
COUNTS = {"rendered": 12, "qualified": 11, "viewer_impressions": 1430}
PARTICIPATION_STATE = {
    "id": PARTICIPATION,
    "campaign_id": CAMPAIGN,
    "campaign_name": "Winter launch",
    "brand_id": BRAND,
    "streamer_id": STREAMER,
    "status": "active",
    "terms": {
        "compensation": CAMPAIGN_FIELDS["compensation"],
        "currency": "USD",
        "platforms": [MEASURED_PLATFORM],
        "frozen_at": AT,
    },
    "applied_at": AT,
    "decided_at": AT,
    "reason": None,
    "counts": COUNTS,
    "earned": usd(2645),
    "funded": usd(2645),
}
EARNED = {"gross": usd(2645), "platform_fee": usd(529), "net": usd(2116), "unfunded": usd(0)}
FIGURES = {
    **COUNTS,
    "visible_ms": 96000,
    "gross_minor": 2645,
    "platform_fee_minor": 529,
    "net_minor": 2116,
    "currency": "USD",
}
DEFINITIONS = {"rendered": "Showings of a creative that were accepted, however short."}
FUNNEL = {
    "funnel": {"applied": 9, "approved": 4, "delivering": 3, "paid": 2},
    "definitions": {"applied": "Applications that were made."},
}
PERIOD = {"from": AT, "to": END}
TIMESERIES = {
    **PERIOD,
    "metric": "qualified",
    "bucket": "hour",
    "currency": None,
    "points": [{"at": AT, "value": 11}],
    "definitions": DEFINITIONS,
}
NO_MONEY = {"gross_minor": None, "platform_fee_minor": None, "net_minor": None}
BREAKDOWN = {
    **PERIOD,
    "by": "platform",
    "items": [{"key": "twitch", "figures": {**FIGURES, **NO_MONEY}}],
    "truncated": False,
    "definitions": DEFINITIONS,
}
PREVIOUS = {
    "from": "2026-10-24T05:00:00.000000Z",
    "to": AT,
    "figures": {**FIGURES, "qualified": 8},
    "change_percent": {"qualified": 38, "rendered": 0, "gross_minor": 0},
}
SUMMARY = {
    **PERIOD,
    "figures": FIGURES,
    "previous": PREVIOUS,
    "currencies": ["USD"],
    "definitions": DEFINITIONS,
}
DEPOSIT_STATE = {
    "id": DEPOSIT,
    "status": "pending",
    "amount": usd(50000),
    "provider": "sandbox",
    "failure": None,
    "created_at": AT,
    "settled_at": None,
    "reversed": usd(0),
    "client_secret": None,
    "approve_url": None,
}
PAYOUT_STATE = {
    "id": PAYOUT,
    "status": "requested",
    "amount": usd(2116),
    "destination": "bank ****3000",
    "created_at": AT,
    "paid_at": None,
    "failure": None,
    "statement_id": None,
}
INVOICE_STATE = {
    "id": INVOICE,
    "kind": "receipt",
    "number": "REC-000042",
    "account_id": BRAND,
    "reference": DEPOSIT,
    "issued_at": AT,
    "lines": [{"description": "Deposit", "amount": usd(50000)}],
    "total": usd(50000),
}
NOTIFICATION_STATE = {
    "id": NOTIFICATION,
    "kind": "campaign_approved",
    "title": "Winter launch was approved",
    "body": "You can activate it now.",
    "data": {"campaign_id": CAMPAIGN},
    "created_at": AT,
    "read_at": None,
}
WALLET = {"account_id": BRAND, "balances": {"available": usd(0), "escrow": usd(50000)}}
CREDENTIALS = {"email": "ads@acme.example", "password": "correct horse battery staple"}

EXAMPLES: dict[str, Any] = {
    "problem": {
        "type": "urn:gametriggers:problem:campaign.not_found",
        "title": "Campaign not found",
        "status": 404,
        "detail": "There is no such campaign.",
        "code": "campaign.not_found",
        "request_id": "5f0c1d2e3b4a59687766554433221100",
    },
    "register_brand": {
        **CREDENTIALS,
        "company_name": "Acme Energy",
        "industry": "beverages",
        "contact_person": CONTACT,
    },
    "register_streamer": {**CREDENTIALS, "email": "nova@example.com", "display_name": "Nova"},
    "login": CREDENTIALS,
    "refresh": {"refresh_token": "Yb1o9c0VxqL8sX3n5T7uK2mD4fG6hJ0pR1tW9zQeAiE"},
    "link_token": {"token": LINK_TOKEN},
    "forgot_password": {"email": "ads@acme.example", "kind": "brand"},
    "reset_password": {"token": LINK_TOKEN, "new_password": "a boat under the stairs"},
    "change_password": {
        "current_password": "a lamp in the attic",
        "new_password": "a boat under the stairs",
    },
    "nothing": {},
    "brand_session": session(BRAND, "brand", "ads@acme.example"),
    "streamer_session": session(STREAMER, "streamer", "nova@example.com"),
    "accept_invitation": {
        "token": LINK_TOKEN,
        "password": "a boat under the stairs",
        "name": "Finn Okafor",
    },
    "login_member": {**CREDENTIALS, "email": "finn@acme.example", "brand_id": BRAND},
    "member_session": session(MEMBER, "member", "finn@acme.example")
    | {"membership": {"brand_id": BRAND, "role": "finance"}},
    "admin_session": session(ADMIN, "admin", "ops@gametriggers.example"),
    "oauth_destination": {
        "authorize_url": "https://id.twitch.tv/oauth2/authorize?client_id=abc&response_type=code&state=xyz",
        "expires_in": 600,
    },
    "provider_links": page({"provider": "twitch", "username": "nova", "linked_at": AT, "is_usable": True}),
    "sessions": page(
        {
            "sid": SESSION,
            "created_at": AT,
            "last_used_at": AT,
            "expires_at": END,
            "address": "203.0.113.7",
            "current": True,
            "impersonation": None,
        },
        {
            "sid": IMPERSONATION,
            "created_at": AT,
            "last_used_at": AT,
            "expires_at": END,
            "address": None,
            "current": False,
            "impersonation": {"admin_id": ADMIN, "reason": "Ticket 4711: a payout that does not arrive"},
        },
    ),
    "explain": {
        "principal": {"role": "finance", "account_id": BRAND},
        "action": "campaign.edit",
        "resource": {"kind": "campaign", "owner": BRAND, "state": "draft"},
    },
    "decision": {
        "allowed": False,
        "rule": "campaign.edit by owner, manager",
        "check": "role",
        "reason": "finance is not among owner, manager",
    },
    "jwks": {
        "keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "use": "sig", "alg": "EdDSA", "x": "11qYAYKx"}]
    },
    "brand_profile": BRAND_PROFILE,
    "update_brand_profile": {"industry": "energy drinks", "billing_info": BILLING},
    "team": page(TEAM_MEMBER, INVITED_PERSON),
    "team_member": TEAM_MEMBER,
    "invite_person": {"email": "vera@acme.example", "role": "viewer"},
    "invited_person": INVITED_PERSON,
    "change_role": {"role": "finance"},
    "add_payment_method": {"provider": "sandbox", "reference": "pm_card_visa"},
    "payment_method": STORED_METHOD,
    "public_brand": {
        "id": BRAND,
        "company_name": "Acme Energy",
        "industry": "beverages",
        "verification_status": "verified",
    },
    "streamer_profile": {
        "id": STREAMER,
        "email": "nova@example.com",
        "display_name": "Nova",
        "platforms": [PLATFORM],
        "demographics": DEMOGRAPHICS,
        "payout_method": {
            "method": "bank",
            "account_holder": "Nova Berg",
            "account_details": "DE••••3000",
        },
        "created_at": AT,
        "updated_at": AT,
        "version": 7,
    },
    "update_streamer_profile": {"display_name": "Nova", "demographics": DEMOGRAPHICS},
    "public_streamer": {"id": STREAMER, "display_name": "Nova", "platforms": [PLATFORM]},
    "link_platform": {"name": "twitch", "username": "nova", "channel_url": "https://www.twitch.tv/nova"},
    "payout_method": {
        "method": "bank",
        "account_holder": "Nova Berg",
        "account_details": "DE89370400440532013000",
    },
    "verify_platform": {"status": "verified", "metrics": METRICS},
    "earnings_summary": {**EARNED, "counts": COUNTS, "participations": 1, "others": []},
    "create_campaign": CAMPAIGN_FIELDS,
    "update_campaign": {"name": "Winter launch, longer", "end_at": END},
    "reason": {"reason": "The creative does not say who advertises."},
    "campaign": {
        **CAMPAIGN_FIELDS,
        **CAMPAIGN_STATE,
        "creatives": [{"creative_id": CREATIVE, **CAMPAIGN_FIELDS["creatives"][0]}],  # type: ignore[index]
    },
    "participation": PARTICIPATION_STATE,
    "participations": page(PARTICIPATION_STATE),
    "earnings": {
        "participation_id": PARTICIPATION,
        **EARNED,
        "counts": COUNTS,
        "formula": "v1",
        "recomputed": {"gross": usd(2645), "counts": COUNTS},
    },
    "overlay_link": {
        "url": f"http://127.0.0.1:8000/overlay/{OVERLAY_TOKEN}",
        "token": OVERLAY_TOKEN,
    },
    "history": page(
        {
            "id": "evt_01jd2e7z5pf3rs8w6r8q6v2k21",
            "type": "campaign_approved",
            "version": 1,
            "time": AT,
            "aggregate_version": 3,
            "data": {"campaign_id": CAMPAIGN, "brand_id": BRAND, "name": "Winter launch"},
            "actor": ADMIN,
        }
    ),
    "reconciliation": {
        "provider": "stripe",
        "since": AT,
        "until": "2026-11-24T05:00:00.000000Z",
        "agrees": False,
        "movements": 12,
        "differences": [
            {
                "difference": "not_in_ledger",
                "reference": DEPOSIT,
                "kind": "deposit",
                "at_provider": usd(50000),
                "in_ledger": usd(0),
                "note": None,
            }
        ],
    },
    "campaign_ledger": {
        "campaign_id": CAMPAIGN,
        "reserved": usd(50000),
        "earned_gross": usd(2645),
        "platform_fee": usd(529),
        "streamer_net": usd(2116),
        "returned": usd(0),
        "escrow": usd(47355),
    },
    "manifest": {
        "session": {"id": SESSION, "key": "bWFuaWZlc3Qta2V5LW9mLXRoaXJ0eS10d28tYnl0ZXM", "expires_at": END},
        "rotation": [
            {
                "participation_id": PARTICIPATION,
                "min_seconds_between": 60,
                "max_per_hour": 30,
                "max_per_stream": 100,
            }
        ],
        "creatives": [
            {
                "delivery_slot": 1,
                "participation_id": PARTICIPATION,
                "creative_id": CREATIVE,
                "urls": ["/media/variants/3f/banner.webp?expires=1795755600&signature=c2lnbmF0dXJl"],
                "placement": "banner",
                "media": "image",
                "duration_s": 8,
                "weight": 1,
            }
        ],
    },
    "post_deliveries": {
        "session_id": SESSION,
        "deliveries": [
            {
                "id": DELIVERY,
                "seq": 1,
                "participation_id": PARTICIPATION,
                "creative_id": CREATIVE,
                "started_at": "2026-11-23T05:00:00.000Z",
                "ended_at": "2026-11-23T05:00:08.000Z",
                "visible_ms": 7990,
                "proof": "Gq0b3xg7b4Gq0b3xg7b4Gq0b3xg7b4Gq0b3xg7b4Gq0",
            }
        ],
    },
    "deliveries_posted": {"accepted": 0, "refused": [{"id": DELIVERY, "reason": "broken_chain"}]},
    "deliveries": page(
        {
            "id": DELIVERY,
            "seq": 1,
            "creative_id": CREATIVE,
            "placement": "banner",
            "media": "image",
            "started_at": "2026-11-23T05:00:00.000000Z",
            "ended_at": "2026-11-23T05:00:08.000000Z",
            "visible_ms": 7990,
            "qualified": True,
            "viewers": 130,
            "platform": "twitch",
            "country": "DE",
            "formula": "v1",
        }
    ),
    "asset": {
        "id": ASSET,
        "status": "ready",
        "kind": "creative",
        "media": "image",
        "variants": [
            {
                "placement": "banner",
                "format": "webp",
                "width": 1920,
                "height": 270,
                "url": "/media/variants/3f/banner.webp?expires=1795755600&signature=c2lnbmF0dXJl",
            }
        ],
        "reason": None,
        "created_at": AT,
    },
    "wallet": WALLET,
    "create_deposit": {"amount": usd(50000), "provider": "sandbox"},
    "deposit": DEPOSIT_STATE,
    "transactions": page(
        {
            "id": TRANSACTION,
            "kind": "deposit",
            "at": AT,
            "postings": [{"account": "brand_available", "amount": usd(50000)}],
            "reference": DEPOSIT,
        }
    ),
    "invoice": INVOICE_STATE,
    "invoices": page(INVOICE_STATE),
    "request_payout": {"amount": usd(2116)},
    "payout": PAYOUT_STATE,
    "payouts": page(PAYOUT_STATE),
    "webhook_received": {"received": True},
    "ledger_verification": {
        "balanced": True,
        "sums": {"USD": 0},
        "accounts": 7,
        "transactions": 42,
        "negative_accounts": [],
        "mismatched_accounts": [],
        "unbalanced_transactions": [],
        "mismatched_campaigns": [],
    },
    "campaign_summary": {"campaign_id": CAMPAIGN, **SUMMARY},
    "streamer_summary": {"streamer_id": STREAMER, **SUMMARY},
    "campaign_timeseries": {"campaign_id": CAMPAIGN, **TIMESERIES},
    "streamer_timeseries": {"streamer_id": STREAMER, **TIMESERIES},
    "campaign_breakdown": {"campaign_id": CAMPAIGN, **BREAKDOWN},
    "streamer_breakdown": {"streamer_id": STREAMER, **BREAKDOWN},
    "campaign_funnel": {"campaign_id": CAMPAIGN, **FUNNEL},
    "streamer_funnel": {"streamer_id": STREAMER, **FUNNEL},
    "notification": NOTIFICATION_STATE,
    "notifications": page(NOTIFICATION_STATE),
    "set_preferences": {"preferences": [{"kind": "campaign_approved", "in_app": True, "email": False}]},
    "preferences": {
        "preferences": [{"kind": "campaign_approved", "critical": False, "in_app": True, "email": False}]
    },
    "health": {"status": "ok"},
    "readiness": {"status": "ok", "breakers": {"campaign": "closed", "payment": "open"}, "limits": "shared"},
}
BRANDS_ONLY = (
    "budget",
    "spent",
    "pending_budget",
    "returned",
    "blocked_streamers",
    "rejection_reason",
    "activation_error",
    "version",
)
PUBLIC_CAMPAIGN = {name: value for name, value in EXAMPLES["campaign"].items() if name not in BRANDS_ONLY}
EXAMPLES["step_up"] = {"code": "492039"}
EXAMPLES["totp"] = {"enabled": True, "confirmed_at": AT, "recovery_codes_left": 10}
EXAMPLES["totp_enrolment"] = {
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_uri": "otpauth://totp/Gametriggers:nova%40streams.example?digits=6"
    "&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&issuer=Gametriggers&period=30",
    "qr_svg": '<svg xmlns="http://www.w3.org/2000/svg" width="228" height="228"></svg>',
}
EXAMPLES["confirm_totp"] = {"code": "492039"}
EXAMPLES["recovery_codes"] = {"recovery_codes": ["k3jq7-m2xwa", "b5rtn-4cyf2"]}
EXAMPLES["totp_confirmed"] = EXAMPLES["recovery_codes"] | {"session": EXAMPLES["streamer_session"]}
SECURITY_EVENT = {
    "id": "aud_01jd2e7z5pf3rs8w6r8q6v2k22",
    "at": AT,
    "kind": "logged_in",
    "actor": BRAND,
    "details": {"sid": SESSION, "acr": "pwd", "address": "203.0.113.7"},
}
EXAMPLES["security_events"] = page(SECURITY_EVENT)
EXAMPLES["audit"] = page(
    SECURITY_EVENT
    | {"seq": 4711, "account": BRAND, "acting_for": None, "request_id": "req_1", "hash": "5f" * 32}
)
EXAMPLES["invite_admin"] = {"email": "ada@gametriggers.example"}
EXAMPLES["invited_admin"] = EXAMPLES["invite_admin"] | {"account_id": ADMIN, "expires_at": END}
EXAMPLES["accept_admin_invitation"] = EXAMPLES["reset_password"]
EXAMPLES["impersonate"] = {"account_id": STREAMER, "reason": "Ticket 4711: a payout that does not arrive"}
EXAMPLES["impersonating"] = {
    name: EXAMPLES["streamer_session"][name] for name in ("account", "access_token", "token_type")
} | {"sid": IMPERSONATION, "expires_in": 600}
EXAMPLES["api_keys"] = page(API_KEY_LISTED)
EXAMPLES["create_api_key"] = {name: API_KEY_LISTED[name] for name in ("name", "scopes", "expires_at")}
EXAMPLES["created_api_key"] = API_KEY_LISTED | {"key": f"{API_KEY_LISTED['prefix']}_{'k' * 43}"}
EXAMPLES["key_use"] = {
    "items": [
        {"date": "2026-11-22", "requests": 0, "errors": 0, "limited": 0},
        {"date": "2026-11-23", "requests": 1250, "errors": 3, "limited": 17},
    ]
}
EXAMPLES["campaigns"] = page(EXAMPLES["campaign"])
EXAMPLES["marketplace"] = page(
    {"campaign": PUBLIC_CAMPAIGN, "eligible": False, "reasons": ["average_viewers 34, needs 50"]}
)
EXAMPLES["dashboard"] = {
    "kind": "brand",
    "parts": {
        "wallet": {"status": "ok", "data": WALLET},
        "campaigns": {"status": "ok", "data": EXAMPLES["campaigns"]},
        "notifications": {"status": "unavailable", "code": "service_unavailable"},
    },
}


def named(name: str) -> Any:
    """A copy, since the documentation's tools change what they are given."""
    return deepcopy(EXAMPLES[name])


CAMPAIGN_NAMED = {"campaign_id": CAMPAIGN, "name": "Winter drinks"}
TAKES_PART = {
    "participation_id": PARTICIPATION,
    "campaign_id": CAMPAIGN,
    "campaign_name": "Winter drinks",
    "streamer_id": STREAMER,
}
WEBHOOKS: dict[str, dict[str, Any]] = {
    "campaign.approved": CAMPAIGN_NAMED,
    "campaign.rejected": CAMPAIGN_NAMED | {"reason": "The banner cannot be read."},
    "campaign.activated": CAMPAIGN_NAMED
    | {"budget": usd(40000), "category": "beverages", "start_at": AT, "end_at": END},
    "campaign.paused": CAMPAIGN_NAMED,
    "campaign.resumed": CAMPAIGN_NAMED,
    "campaign.completed": CAMPAIGN_NAMED | {"reason": "budget_spent"},
    "campaign.cancelled": CAMPAIGN_NAMED,
    "campaign.budget_low": CAMPAIGN_NAMED | {"left": usd(3900)},
    "campaign.budget_returned": CAMPAIGN_NAMED | {"returned": usd(22600)},
    "participation.applied": TAKES_PART,
    "participation.approved": TAKES_PART,
    "participation.rejected": TAKES_PART | {"reason": "Another audience."},
    "participation.left": TAKES_PART | {"reason": None},
    "participation.removed": TAKES_PART | {"reason": "The stream broke our rules."},
    "participation.completed": TAKES_PART,
    "deposit.succeeded": {"deposit_id": DEPOSIT, "amount": usd(50000)},
    "deposit.reversed": {"deposit_id": DEPOSIT, "amount": usd(50000), "reason": "dispute"},
    "deposit.reinstated": {"deposit_id": DEPOSIT, "amount": usd(50000), "reason": "dispute"},
    "asset.ready": {"asset_id": ASSET, "media": "video", "duration_s": 6},
    "asset.refused": {"asset_id": ASSET, "reason": "The file is truncated."},
    "team.member_joined": {"member_id": MEMBER, "role": "finance"},
    "webhook.test": {"endpoint_id": WEBHOOK_ENDPOINT},
}


def sent(name: str) -> dict[str, Any]:
    """The body of a webhook."""
    return {"type": name, "timestamp": AT, "data": deepcopy(WEBHOOKS[name])}


EXAMPLES["create_webhook_endpoint"] = {
    "url": "https://hooks.acme.example/gametriggers",
    "description": "Accounting",
    "events": ["campaign.approved", "deposit.succeeded"],
    "enabled": True,
}
EXAMPLES["update_webhook_endpoint"] = {"events": None, "enabled": True}
EXAMPLES["webhook_endpoint"] = EXAMPLES["create_webhook_endpoint"] | {
    "id": WEBHOOK_ENDPOINT,
    "disabled_reason": None,
    "failing_since": None,
    "former_secret_ends_at": None,
    "created_at": AT,
    "updated_at": AT,
    "version": 1,
}
EXAMPLES["webhook_endpoints"] = page(EXAMPLES["webhook_endpoint"])
EXAMPLES["webhook_endpoint_with_secret"] = EXAMPLES["webhook_endpoint"] | {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
}
EXAMPLES["webhook_delivery"] = {
    "id": WEBHOOK_MESSAGE,
    "endpoint_id": WEBHOOK_ENDPOINT,
    "type": "campaign.approved",
    "status": "parked",
    "body": json.dumps(sent("campaign.approved"), separators=(",", ":")),
    "attempts": [
        {"at": AT, "status": 500, "failure": None, "duration_ms": 182},
        {"at": AT, "status": None, "failure": "timeout", "duration_ms": 15000},
    ],
    "next_attempt_at": None,
    "created_at": AT,
    "delivered_at": None,
}
EXAMPLES["webhook_deliveries"] = page(EXAMPLES["webhook_delivery"])
EXAMPLES["replayed_webhooks"] = {"replayed": 3}
