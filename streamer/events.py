"""What happened to streamers, as the rest of the platform may hear it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class StreamerEvent(Event):
    """What every event of this service carries."""

    aggregate: ClassVar[str] = "streamer_id"
    streamer_id: str


@dataclass(frozen=True, kw_only=True)
class StreamerProfileUpdated(StreamerEvent):
    """The streamer said something new of themselves; `changed` names the fields."""

    type: ClassVar[str] = "streamer_profile_updated"
    display_name: str
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class PlatformMetrics:
    """The figures of a channel: heads, not money. Zero means that nothing is known yet."""

    followers: int
    average_viewers: int
    peak_viewers: int
    content_category: list[str]


@dataclass(frozen=True, kw_only=True)
class PlatformLinked(StreamerEvent):
    """A channel was named as the streamer's; nobody has checked that yet."""

    type: ClassVar[str] = "platform_linked"
    platform: str
    username: str


@dataclass(frozen=True, kw_only=True)
class PlatformUnlinked(StreamerEvent):
    """The channel no longer counts for the streamer."""

    type: ClassVar[str] = "platform_unlinked"
    platform: str
    username: str


@dataclass(frozen=True, kw_only=True)
class PlatformVerified(StreamerEvent):
    """An admin decided about a channel; `status` is verified or rejected."""

    type: ClassVar[str] = "platform_verified"
    platform: str
    status: str
    metrics: PlatformMetrics


@dataclass(frozen=True, kw_only=True)
class PayoutMethodChanged(StreamerEvent):
    """Payouts go elsewhere from now on. The details are nobody's business and are not in here."""

    type: ClassVar[str] = "payout_method_changed"
    method: str
