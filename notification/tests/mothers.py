"""Recipients and events by name: Acme the brand, Nova the streamer, Ada the administrator."""

from datetime import UTC, datetime
from typing import Any

from chassis.event import ReceivedEvent
from notification.domain.notifications import CHANNELS, Mail, Notification, Recipient
from notification.domain.webhooks import Endpoint, Message

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACME = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
NOVA = "str_01jd2e7z5pf3rs8w6r8q6v2k1n"
ADA = "adm_01jd2e7z5pf3rs8w6r8q6v2k1p"
CAMPAIGN = "cmp_01jd2e7z5pf3rs8w6r8q6v2k1m"

ALSO = {"participation_id": "prt_1", "campaign_id": CAMPAIGN, "campaign_name": "Winter", "brand_id": ACME}
A_LINK = {
    "link_id": "lnk_01jd2e7z5pf3rs8w6r8q6v2k1m",
    "account_id": ACME,
    "expires_at": "2026-11-24T12:00:00.000000Z",
}
TEN_DOLLARS = {"amount_minor": 1000, "currency": "USD"}

# One event of every kind that leads to a notification, as its service publishes it.
EVENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("identity", "brand_registered"): {
        "account_id": ACME,
        "email": "ada@acme.example",
        "company_name": "Acme",
        "industry": "games",
        "contact_person": {"name": "Ada"},
    },
    ("identity", "streamer_registered"): {
        "account_id": NOVA,
        "email": "nova@stream.example",
        "display_name": "Nova",
    },
    ("identity", "email_verification_requested"): A_LINK,
    ("identity", "password_reset_requested"): A_LINK,
    ("identity", "team_invitation_requested"): {
        "link_id": "lnk_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "brand_id": ACME,
        "invitation_id": "ivt_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "expires_at": "2026-11-26T12:00:00.000000Z",
    },
    ("identity", "password_changed"): {"account_id": ACME, "reset": True},
    ("identity", "refresh_token_reused"): {
        "account_id": NOVA,
        "sid": "ses_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "signed_in_at": "2026-11-20T12:00:00.000000Z",
    },
    ("brand", "team_member_joined"): {
        "team_id": "team_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "brand_id": ACME,
        "member_id": "mem_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "role": "finance",
    },
    ("identity", "totp_enabled"): {"authenticator_id": "otp_1", "account_id": ACME},
    ("identity", "totp_disabled"): {"authenticator_id": "otp_1", "account_id": ACME},
    ("identity", "totp_reset"): {"authenticator_id": "otp_1", "account_id": ADA},
    ("identity", "recovery_code_used"): {"authenticator_id": "otp_1", "account_id": NOVA, "left": 9},
    ("identity", "admin_invited"): A_LINK | {"account_id": ADA},
    ("identity", "impersonation_started"): {
        "sid": "sup_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "account_id": NOVA,
        "admin_id": "adm_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "reason": "Ticket 4711: a payout that does not arrive",
        "expires_at": "2026-11-24T12:00:00.000000Z",
    },
    ("campaign", "campaign_approved"): {"campaign_id": CAMPAIGN, "brand_id": ACME, "name": "Winter"},
    ("campaign", "campaign_rejected"): {
        "campaign_id": CAMPAIGN,
        "brand_id": ACME,
        "name": "Winter",
        "reason": "The banner is blurred.",
    },
    ("campaign", "campaign_activated"): {
        "campaign_id": CAMPAIGN,
        "brand_id": ACME,
        "name": "Winter",
        "budget": TEN_DOLLARS,
    },
    ("campaign", "campaign_completed"): {
        "campaign_id": CAMPAIGN,
        "brand_id": ACME,
        "name": "Winter",
        "reason": "Its end was reached.",
    },
    ("campaign", "campaign_budget_low"): {
        "campaign_id": CAMPAIGN,
        "brand_id": ACME,
        "name": "Winter",
        "left": TEN_DOLLARS,
    },
    ("campaign", "campaign_budget_returned"): {
        "campaign_id": CAMPAIGN,
        "brand_id": ACME,
        "name": "Winter",
        "returned": TEN_DOLLARS,
    },
    ("participation", "participation_applied"): ALSO | {"streamer_id": NOVA},
    ("participation", "participation_approved"): ALSO | {"streamer_id": NOVA},
    ("participation", "participation_rejected"): ALSO | {"streamer_id": NOVA, "reason": "Another audience."},
    ("participation", "participation_removed"): ALSO | {"streamer_id": NOVA, "reason": None},
    ("payment", "deposit_succeeded"): {"deposit_id": "dep_1", "brand_id": ACME, "amount": TEN_DOLLARS},
    ("payment", "deposit_reversed"): {
        "deposit_id": "dep_1",
        "brand_id": ACME,
        "amount": TEN_DOLLARS,
        "reason": "dispute du_1: fraudulent",
    },
    ("payment", "deposit_reinstated"): {
        "deposit_id": "dep_1",
        "brand_id": ACME,
        "amount": TEN_DOLLARS,
        "reason": "dispute du_1: fraudulent",
    },
    ("payment", "payout_paid"): {
        "payout_id": "pay_1",
        "streamer_id": NOVA,
        "amount": TEN_DOLLARS,
        "statement_id": "inv_1",
    },
    ("payment", "payout_failed"): {
        "payout_id": "pay_1",
        "streamer_id": NOVA,
        "amount": TEN_DOLLARS,
        "reason": "The account is closed.",
    },
    ("asset", "asset_refused"): {"asset_id": "ast_1", "owner_id": ACME, "reason": "The file is truncated."},
    ("notification", "webhook_endpoint_disabled"): {
        "endpoint_id": "whe_01jd2e7z5pf3rs8w6r8q6v2k1m",
        "brand_id": ACME,
        "description": "Accounting",
        "reason": "failing",
    },
}

# What webhooks alone are about.
TAKES_PART = ALSO | {"streamer_id": NOVA, "reason": None}
WEBHOOK_EVENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("campaign", "campaign_paused"): {"campaign_id": CAMPAIGN, "brand_id": ACME, "name": "Winter"},
    ("campaign", "campaign_resumed"): {"campaign_id": CAMPAIGN, "brand_id": ACME, "name": "Winter"},
    ("campaign", "campaign_cancelled"): {"campaign_id": CAMPAIGN, "brand_id": ACME, "name": "Winter"},
    ("participation", "participation_left"): TAKES_PART,
    ("participation", "participation_completed"): TAKES_PART,
    ("asset", "asset_ready"): {"asset_id": "ast_1", "owner_id": ACME, "media": "image", "duration_s": None},
}


def acme(email: str = "ada@acme.example") -> Recipient:
    return Recipient(ACME, "brand", email, "Acme")


def nova() -> Recipient:
    return Recipient(NOVA, "streamer", "nova@stream.example", "Nova")


def received(source: str, type: str, id: str = "evt_1", **changes: Any) -> ReceivedEvent:
    data = EVENTS.get((source, type), WEBHOOK_EVENTS.get((source, type), {})) | changes
    return ReceivedEvent(id=id, type=type, source=source, time=NOON, subject="x", version=1, data=data)


def a_notification(number: int = 1, **changes: Any) -> Notification:
    fields: dict[str, Any] = {
        "id": f"ntf_{number:03d}",
        "account_id": ACME,
        "kind": "campaign_approved",
        "title": "Approved",
        "body": "It was approved.",
        "data": {"campaign_id": CAMPAIGN, "name": "Winter"},
        "channels": CHANNELS,
        "source_event": f"evt_{number}",
        "created_at": NOON,
    }
    return Notification(**fields | changes)


def a_mail(**changes: Any) -> Mail:
    mail = a_notification(**changes).mail()
    assert mail is not None
    return mail


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
URL = "https://hooks.acme.example/gametriggers?key=k"


def an_endpoint(number: int = 1, **changes: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "id": f"whe_{number:03d}",
        "brand_id": ACME,
        "url": URL,
        "description": "Accounting",
        "topics": (),
        "secret": SECRET,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Endpoint(**fields | changes)


def a_message(number: int = 1, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": f"msg_{number:03d}",
        "endpoint_id": "whe_001",
        "topic": "campaign.approved",
        "body": '{"type":"campaign.approved"}',
        "source_event": f"evt_{number}",
        "created_at": NOON,
        "next_attempt_at": NOON,
    }
    return Message(**fields | changes)
