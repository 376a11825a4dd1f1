"""Memorable streamers, channels and clocks."""

from __future__ import annotations

from datetime import UTC, datetime

from chassis.clock import FixedClock
from chassis.principal import Principal
from streamer.domain import TWITCH, VERIFIED, Channel, PayoutMethod, Streamer

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOVA_ID = "str_01jd2e7z5pf3rs8w6r8q6v2k1m"
RIVAL_ID = "str_01jd2e7z5pf3rs8w6r8q6v2k1n"
GERMAN_IBAN = "DE89370400440532013000"


def morning() -> FixedClock:
    return FixedClock(MORNING)


def nova_herself() -> Principal:
    return Principal(NOVA_ID, "streamer")


def an_admin() -> Principal:
    return Principal("adm_01jd2e7z5pf3rs8w6r8q6v2k1m", "admin")


def acme() -> Principal:
    return Principal("brd_01jd2e7z5pf3rs8w6r8q6v2k1m", "brand")


def novas_channel(viewers: int | None = 120) -> Channel:
    return Channel(
        channel_id="40000001",
        username="nova",
        channel_url="https://www.twitch.tv/nova",
        followers=5400,
        viewers=viewers,
        category="Chess" if viewers is not None else "",
    )


def nova_the_streamer(streamer_id: str = NOVA_ID) -> Streamer:
    streamer = Streamer.blank(streamer_id, MORNING)
    streamer.introduce("nova@example.com", "Nova", MORNING)
    return streamer


def verified_nova(streamer_id: str = NOVA_ID) -> Streamer:
    streamer = nova_the_streamer(streamer_id)
    streamer.link(TWITCH, novas_channel(), MORNING)
    streamer.decide(TWITCH, VERIFIED, {}, MORNING)
    return streamer


def sealed_bank_account() -> PayoutMethod:
    return PayoutMethod("bank", "Nova Star", "sealed", "DE••••3000")
