"""Memorable examples: Acme the brand, Nova the streamer, and Acme's campaign in every state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from campaign.domain.brief import Brief, with_creative_ids
from campaign.domain.campaign import (
    ACTIVE,
    APPROVED,
    BY_BRAND,
    CANCELLED,
    COMPLETED,
    DRAFT,
    PAUSED,
    PENDING_REVIEW,
    Campaign,
    new_campaign,
)
from chassis.ids import new_id
from chassis.money import Money
from chassis.principal import Principal
from chassis.times import rfc3339

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ACME_ID = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
GLOBEX_ID = "brd_01jd2e7z5pf3rs8w6r8q6v2k1n"
NOVA_ID = "str_01jd2e7z5pf3rs8w6r8q6v2k1m"
ADA_ID = "adm_01jd2e7z5pf3rs8w6r8q6v2k1m"
CAMPAIGN_ID = "cmp_01jd2e7z5pf3rs8w6r8q6v2k1m"
MISSING_ID = "cmp_01jd2e7z5pf3rs8w6r8q6v2k1z"
PARTICIPATION_ID = "prt_01jd2e7z5pf3rs8w6r8q6v2k1m"
BANNER_ID = "ast_01jd2e7z5pf3rs8w6r8q6v2k1m"
CLIP_ID = "ast_01jd2e7z5pf3rs8w6r8q6v2k1n"
ACTIVATION_ID = "sga_of_the_activation"


def acme() -> Principal:
    return Principal(id=ACME_ID, kind="brand")


def globex() -> Principal:
    return Principal(id=GLOBEX_ID, kind="brand")


def nova() -> Principal:
    return Principal(id=NOVA_ID, kind="streamer")


def ada_the_admin() -> Principal:
    return Principal(id=ADA_ID, kind="admin")


def a_brief(**changes: Any) -> dict[str, Any]:
    """A complete brief as plain values, as the schema loads it."""
    return {
        "name": "Winter cups",
        "description": "Hot drinks for long streams",
        "budget": Money(50_000, "USD"),
        "start_at": NOW,
        "end_at": NOW + timedelta(days=14),
        "targeting": {"countries": [], "languages": [], "age_ranges": [], "interests": []},
        "requirements": {
            "min_average_viewers": 0,
            "min_followers": 0,
            "content_categories": [],
            "platforms": [],
        },
        "creatives": [{"asset_id": BANNER_ID, "placement": "banner", "duration_s": 10, "weight": 1}],
        "compensation": {"type": "hybrid", "cpm_minor": 500, "flat_minor": 1_000, "required_deliveries": 10},
        "approval": "manual",
        "frequency": {"min_seconds_between": 60, "max_per_hour": 12, "max_per_stream": 100},
        "pacing": "even",
        "max_participants": 100,
        "blocked_streamers": [],
        "category": "drinks",
        **changes,
    }


def a_draft(
    campaign_id: str = CAMPAIGN_ID, brand_id: str = ACME_ID, at: datetime = NOW, **changes: Any
) -> Campaign:
    brief = Brief.from_dict(with_creative_ids(a_brief(**changes), new_id))
    return new_campaign(campaign_id, brand_id, brief, at)[0]


def a_campaign(status: str, **options: Any) -> Campaign:
    """A campaign that came to this state by the way that every campaign takes."""
    campaign = a_draft(**options)
    at = campaign.created_at
    way = {
        DRAFT: [],
        PENDING_REVIEW: ["submit"],
        APPROVED: ["submit", "approve"],
        ACTIVE: ["submit", "approve", "activate"],
        PAUSED: ["submit", "approve", "activate", "pause"],
        COMPLETED: ["submit", "approve", "activate", "complete"],
        CANCELLED: ["submit", "approve", "activate", "cancel"],
    }[status]
    for command in way:
        obey(campaign, command, at)
    return campaign


def obey(campaign: Campaign, command: str, at: datetime = NOW) -> list[Any]:
    """Give the aggregate a command by its name."""
    verbs = {
        "reject": lambda: campaign.reject("The claim is not proven.", at),
        "activate": lambda: campaign.activate(
            f"{ACTIVATION_ID}_{campaign.version}", campaign.brief.budget, at
        ),
        "complete": lambda: campaign.complete(BY_BRAND, at),
    }
    return verbs.get(command, lambda: getattr(campaign, command)(at))()


def novas_eligibility(**changes: Any) -> dict[str, Any]:
    """The answer of streamer.eligibility for Nova."""
    return {
        "streamer_id": NOVA_ID,
        "verified": True,
        "platforms": [
            {
                "name": "twitch",
                "username": "nova",
                "followers": 1_200,
                "average_viewers": 34,
                "peak_viewers": 90,
                "content_categories": ["gaming"],
            }
        ],
        "primary_country": "DE",
        "languages": ["de", "en"],
        "audience_age_ranges": ["18-24"],
        "audience_interests": ["games"],
        **changes,
    }


def a_request(**changes: Any) -> dict[str, Any]:
    """A brand's request for a new campaign, as JSON; its run began a minute ago in real time."""
    now = datetime.now(UTC)
    return {
        "name": "Winter cups",
        "budget": {"amount_minor": 50_000, "currency": "USD"},
        "start_at": rfc3339(now - timedelta(minutes=1)),
        "end_at": rfc3339(now + timedelta(days=14)),
        "creatives": [{"asset_id": BANNER_ID, "placement": "banner", "duration_s": 10}],
        "compensation": {"type": "hybrid", "cpm_minor": 500, "flat_minor": 1_000, "required_deliveries": 10},
        **changes,
    }
