"""What happened in participation, in the past tense. Other services subscribe to these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class ParticipationEvent(Event):
    """What every event about one participation's state carries."""

    aggregate: ClassVar[str] = "participation_id"
    participation_id: str
    campaign_id: str
    campaign_name: str
    brand_id: str
    streamer_id: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipationApplied(ParticipationEvent):
    """A streamer asks to join a campaign."""

    type: ClassVar[str] = "participation_applied"


@dataclass(frozen=True, kw_only=True)
class FrozenTerms:
    """What was agreed, in minor units, and the streamer's platforms at that moment.

    `compensation` is cpm (per 1,000 viewer-impressions), flat_rate (once, for `required_deliveries`
    qualified showings), or hybrid.
    """

    compensation: str
    cpm_minor: int
    flat_minor: int
    required_deliveries: int
    currency: str
    frozen_at: datetime
    platforms: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class ParticipationApproved(ParticipationEvent):
    """The terms are frozen; the streamer's overlay may show the campaign.

    `terms` is null in events of old, which did not tell it.
    """

    type: ClassVar[str] = "participation_approved"
    terms: FrozenTerms | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipationRejected(ParticipationEvent):
    """The application was turned down, for the reason given."""

    type: ClassVar[str] = "participation_rejected"


@dataclass(frozen=True, kw_only=True)
class ParticipationActivated(ParticipationEvent):
    """The overlay has fetched the campaign's creatives for the first time."""

    type: ClassVar[str] = "participation_activated"


@dataclass(frozen=True, kw_only=True)
class ParticipationPaused(ParticipationEvent):
    """The overlay stops showing the campaign; `reason` says who asked for it."""

    type: ClassVar[str] = "participation_paused"


@dataclass(frozen=True, kw_only=True)
class ParticipationResumed(ParticipationEvent):
    """Nobody holds the participation back any more."""

    type: ClassVar[str] = "participation_resumed"


@dataclass(frozen=True, kw_only=True)
class ParticipationLeft(ParticipationEvent):
    """The streamer has left the campaign."""

    type: ClassVar[str] = "participation_left"


@dataclass(frozen=True, kw_only=True)
class ParticipationRemoved(ParticipationEvent):
    """The brand has removed the streamer, for the reason given."""

    type: ClassVar[str] = "participation_removed"


@dataclass(frozen=True, kw_only=True)
class ParticipationCompleted(ParticipationEvent):
    """The campaign is over for this streamer."""

    type: ClassVar[str] = "participation_completed"


@dataclass(frozen=True, kw_only=True)
class AcceptedDelivery:
    """One verified showing. `viewers` is the audience sampled for it, an estimate."""

    id: str
    creative_id: str
    placement: str
    started_at: datetime
    ended_at: datetime
    visible_ms: int
    qualified: bool
    viewers: int
    platform: str | None
    country: str | None


@dataclass(frozen=True, kw_only=True)
class DeliveriesAccepted(Event):
    """One batch of verified showings of one participation, at most 200."""

    type: ClassVar[str] = "deliveries_accepted"
    aggregate: ClassVar[str] = "participation_id"
    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    currency: str
    deliveries: list[AcceptedDelivery]


@dataclass(frozen=True, kw_only=True)
class EarningsAccrued(Event):
    """The running total has grown. `earned_total_minor` is cumulative and gross of the platform fee.

    `accrual` counts 1, 2, 3 … per participation, so that a consumer can tell a late event from a new one.
    """

    type: ClassVar[str] = "earnings_accrued"
    aggregate: ClassVar[str] = "participation_id"
    participation_id: str
    campaign_id: str
    brand_id: str
    streamer_id: str
    currency: str
    earned_total_minor: int
    accrual: int


@dataclass(frozen=True, kw_only=True)
class CampaignHeard(Event):
    """What a campaign told (`campaign_event`, then), for a few of its participations.

    A note to ourselves: a campaign may have a thousand participations, and each of them is busy.
    `cause_id` is the id of the campaign's event.
    """

    type: ClassVar[str] = "campaign_heard"
    aggregate: ClassVar[str] = "cause_id"
    cause_id: str
    campaign_id: str
    campaign_event: str
    happened_at: datetime
    participation_ids: list[str]


@dataclass(frozen=True, kw_only=True)
class OverlayEvent(Event):
    """What every event about one streamer's overlay carries; `channel` addresses the open pages."""

    aggregate: ClassVar[str] = "streamer_id"
    streamer_id: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class ManifestChanged(OverlayEvent):
    """The overlay should fetch its manifest again."""

    type: ClassVar[str] = "manifest_changed"
    reason: str


@dataclass(frozen=True, kw_only=True)
class OverlayLinkReplaced(OverlayEvent):
    """The link behind `channel` is dead; pages that were opened with it must stop."""

    type: ClassVar[str] = "overlay_link_replaced"


@dataclass(frozen=True, kw_only=True)
class OverlayTestRequested(OverlayEvent):
    """The streamer wants to see a test picture on the open overlay."""

    type: ClassVar[str] = "overlay_test_requested"
