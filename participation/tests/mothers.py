"""The people and things that the tests speak of, and an overlay that signs what it shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.ids import new_id
from chassis.principal import Principal
from chassis.times import rfc3339
from participation.domain.audience import Sample
from participation.domain.chain import Chain
from participation.domain.deliveries import Delivery
from participation.domain.earnings import FORMULA, Compensation, Terms
from participation.domain.frequency import Frequency
from participation.domain.joining import Joining
from participation.domain.manifest import AssetView, Plan, PlannedCreative, Variant
from participation.domain.overlay import Session, Slot
from participation.domain.participation import Participation, epoch_ms

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NOON_MS = epoch_ms(NOON)

ACME = new_id("brd")
NOVA = new_id("str")
ZOE = new_id("str")
WINTER_LAUNCH = new_id("cmp")
BANNER = new_id("crv")
CLIP = new_id("crv")
PICTURE = new_id("ast")

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")

HYBRID = Compensation(type="hybrid", cpm_minor=1_500, flat_minor=2_000, required_deliveries=10)


def acme() -> Principal:
    return Principal(ACME, "brand")


def rival_of_acme() -> Principal:
    return Principal(new_id("brd"), "brand")


def nova() -> Principal:
    return Principal(NOVA, "streamer")


def zoe() -> Principal:
    return Principal(ZOE, "streamer")


def an_admin() -> Principal:
    return Principal(new_id("adm"), "admin")


def hybrid_terms(compensation: Compensation = HYBRID) -> Terms:
    return Terms(compensation, "USD", NOON, [{"name": "twitch", "average_viewers": 120}])


def an_application(**changes: Any) -> Participation:
    fields: dict[str, Any] = {
        "id": new_id("prt"),
        "campaign_id": WINTER_LAUNCH,
        "campaign_name": "Winter launch",
        "brand_id": ACME,
        "streamer_id": NOVA,
        "currency": "USD",
        "applied_at": NOON,
    }
    return Participation(**fields | changes)


def an_approved_one(**changes: Any) -> Participation:
    participation = an_application(**changes)
    participation.approve(hybrid_terms())
    return participation


def an_active_one(since: datetime = NOON - timedelta(hours=1), **changes: Any) -> Participation:
    participation = an_approved_one(**changes)
    participation.activate(since)
    return participation


def a_slot(participation_id: str, creative_id: str = BANNER, media: str = "image", **caps: int) -> Slot:
    return Slot(
        delivery_slot=0,
        participation_id=participation_id,
        creative_id=creative_id,
        placement="banner",
        media=media,
        duration_s=10,
        weight=1,
        urls=["/media/banner.webp"],
        frequency=Frequency(**caps),
    )


def a_session(*slots: Slot, issued_ms: int = NOON_MS - 3_600_000, **changes: Any) -> Session:
    session_id = new_id("ses")
    fields: dict[str, Any] = {
        "id": session_id,
        "streamer_id": NOVA,
        "sealed_key": f"sealed:{KEY}",
        "issued_ms": issued_ms,
        "expires_ms": issued_ms + 6 * 3_600_000,
        "slots": list(slots),
        "chain": Chain(session_id),
    }
    return Session(**fields | changes)


def a_delivery(at_ms: int = NOON_MS, **changes: Any) -> Delivery:
    delivery = Delivery(
        id=str(uuid.uuid4()),
        seq=1,
        creative_id=BANNER,
        placement="banner",
        media="image",
        started_ms=at_ms,
        ended_ms=at_ms + 8_000,
        visible_ms=8_000,
        qualified=True,
        live=True,
        viewers=100,
        sampled_ms=at_ms,
        platform="twitch",
        country="DE",
        formula=FORMULA,
    )
    return replace(delivery, **changes)


def a_full_house(at_ms: int = NOON_MS, viewers: int = 100, live: bool = True) -> Sample:
    return Sample(at_ms, live, viewers, "twitch", "DE")


def an_open_campaign(**changes: Any) -> Joining:
    joining = Joining(
        campaign_id=WINTER_LAUNCH,
        campaign_name="Winter launch",
        brand_id=ACME,
        status="active",
        is_funded=True,
        approval="manual",
        reasons=[],
        category="beverages",
        currency="USD",
        compensation={"type": "hybrid", "cpm_minor": 1_500, "flat_minor": 2_000, "required_deliveries": 10},
        platforms=[{"name": "twitch", "average_viewers": 120}],
    )
    return replace(joining, **changes)


def a_plan(**changes: Any) -> Plan:
    creative = PlannedCreative(BANNER, PICTURE, "banner", 10, 1)
    return replace(Plan(WINTER_LAUNCH, "active", [creative], Frequency()), **changes)


def a_picture(**changes: Any) -> AssetView:
    variants = [
        Variant("banner", "png", "/media/banner.png"),
        Variant("banner", "webp", "/media/banner.webp"),
        Variant("corner", "webp", "/media/corner.webp"),
    ]
    return replace(AssetView(PICTURE, True, "image", variants), **changes)


class OverlayPage:
    """Signs showings as API.md says, written down a second time, independently of the service's code."""

    def __init__(self, session_id: str, key: str = KEY) -> None:
        self.session_id = session_id
        self.seq = 0
        self.previous = session_id
        self._key = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))

    def show(
        self,
        participation_id: str,
        started_at: datetime,
        seconds: float = 8,
        creative_id: str = BANNER,
        visible_ms: int | None = None,
        id: str | None = None,
    ) -> dict[str, Any]:
        """The next delivery of the chain."""
        self.seq += 1
        delivery: dict[str, Any] = {
            "id": id or str(uuid.uuid4()),
            "seq": self.seq,
            "participation_id": participation_id,
            "creative_id": creative_id,
            "started_at": rfc3339(started_at),
            "ended_at": rfc3339(started_at + timedelta(seconds=seconds)),
            "visible_ms": int(seconds * 1_000) if visible_ms is None else visible_ms,
        }
        text = "\n".join([self.previous, *(str(value) for value in delivery.values())])
        digest = hmac.new(self._key, text.encode("utf-8"), hashlib.sha256).digest()
        delivery["proof"] = base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")
        self.previous = delivery["proof"]
        return delivery

    def show_many(
        self, participation_id: str, started_at: datetime, count: int, every: float = 10, seconds: float = 8
    ) -> list[dict[str, Any]]:
        starts = [started_at + timedelta(seconds=every * number) for number in range(count)]
        return [self.show(participation_id, start, seconds) for start in starts]
