"""Memorable uploads and their owners."""

from __future__ import annotations

from datetime import UTC, datetime

from asset.domain import Asset, Rendition, Variant
from chassis.clock import FixedClock
from chassis.principal import Principal

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ACME_ID = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
RIVAL_ID = "brd_01jd2e7z5pf3rs8w6r8q6v2k1n"
LOGO_ID = "ast_01jd2e7z5pf3rs8w6r8q6v2k1m"
SPOT_ID = "ast_01jd2e7z5pf3rs8w6r8q6v2k1n"
LOGO_KEY = "incoming/" + "a" * 32
SPOT_KEY = "incoming/" + "b" * 32


def morning() -> FixedClock:
    return FixedClock(MORNING)


def acme() -> Principal:
    return Principal(ACME_ID, "brand")


def rival() -> Principal:
    return Principal(RIVAL_ID, "brand")


def nova_the_streamer() -> Principal:
    return Principal("str_01jd2e7z5pf3rs8w6r8q6v2k1m", "streamer")


def acmes_logo(asset_id: str = LOGO_ID, upload_key: str = LOGO_KEY) -> Asset:
    return Asset(
        id=asset_id,
        owner_id=ACME_ID,
        kind="creative",
        upload_key=upload_key,
        filename="logo.png",
        size=4,
        created_at=MORNING,
        updated_at=MORNING,
    )


def a_picture() -> Rendition:
    return Rendition("image", None, [Variant("banner", "png", 1920, 270, "variants/abc/v1/banner.png")])


def a_video(duration_ms: int = 5_040) -> Rendition:
    return Rendition("video", duration_ms, [Variant("corner", "mp4", 480, 270, "variants/abc/v1/corner.mp4")])
