"""What an overlay may show now: the creatives of the running campaigns, and the rules of taking turns.

The overlay gives the campaigns turns one after the other, and a campaign's creatives theirs by weight.
The rotation names the one first that has waited longest, so that reloading the page favours nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from participation.domain.frequency import Frequency
from participation.domain.overlay import Slot
from participation.domain.participation import Participation

FORMATS = {"image": ("webp", "png", "jpeg", "gif"), "video": ("mp4", "webm")}
"""By media, in the order in which a browser should try them."""


@dataclass(frozen=True, slots=True)
class PlannedCreative:
    creative_id: str
    asset_id: str
    placement: str
    duration_s: int
    weight: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign wants shown."""

    campaign_id: str
    status: str
    creatives: list[PlannedCreative]
    frequency: Frequency
    start_at: datetime | None = None
    end_at: datetime | None = None

    def is_running(self, now: datetime) -> bool:
        has_begun = self.start_at is None or self.start_at <= now
        return self.status == "active" and has_begun and (self.end_at is None or now < self.end_at)


@dataclass(frozen=True, slots=True)
class Variant:
    placement: str
    format: str
    url: str


@dataclass(frozen=True, slots=True)
class AssetView:
    """A processed upload; `media` is image or video."""

    asset_id: str
    is_ready: bool
    media: str | None
    variants: list[Variant]

    def urls(self, placement: str) -> list[str]:
        """The addresses of this placement's files, best format first."""
        order = FORMATS.get(self.media or "", ())
        fitting = [v for v in self.variants if v.placement == placement and v.format.lower() in order]
        return [variant.url for variant in sorted(fitting, key=lambda v: order.index(v.format.lower()))]


@dataclass(frozen=True, slots=True)
class Turn:
    """One participation's place in the rotation, and how often it may be shown."""

    participation_id: str
    frequency: Frequency


@dataclass(frozen=True, slots=True)
class Issued:
    """A session with its key in the clear, the one time that it is given out."""

    id: str
    key: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Manifest:
    issued: Issued
    rotation: list[Turn]
    creatives: list[Slot]


def in_rotation(participations: Iterable[Participation]) -> list[Participation]:
    """Whoever was not shown for longest comes first."""
    return sorted(participations, key=lambda p: (p.cadence.last_started_ms or 0, p.id))


def slots_of(
    participations: Sequence[Participation], plans: Mapping[str, Plan], assets: Mapping[str, AssetView]
) -> list[Slot]:
    """Every creative that can be shown, numbered from 0; one without a file in its placement cannot."""
    slots: list[Slot] = []
    for participation in participations:
        plan = plans[participation.campaign_id]
        for creative in plan.creatives:
            slot = _slot(len(slots), participation.id, plan, creative, assets.get(creative.asset_id))
            if slot is not None:
                slots.append(slot)
    return slots


def _slot(
    number: int, participation_id: str, plan: Plan, creative: PlannedCreative, asset: AssetView | None
) -> Slot | None:
    urls = asset.urls(creative.placement) if asset is not None and asset.is_ready else []
    if asset is None or asset.media is None or not urls:
        return None
    return Slot(
        delivery_slot=number,
        participation_id=participation_id,
        creative_id=creative.creative_id,
        placement=creative.placement,
        media=asset.media,
        duration_s=creative.duration_s,
        weight=creative.weight,
        urls=urls,
        frequency=plan.frequency,
    )
