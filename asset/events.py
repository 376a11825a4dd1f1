"""What happened to uploads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class AssetEvent(Event):
    """What every event of this service carries."""

    aggregate: ClassVar[str] = "asset_id"
    asset_id: str
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class AssetUploaded(AssetEvent):
    """A file arrived; nobody has looked into it yet."""

    type: ClassVar[str] = "asset_uploaded"


@dataclass(frozen=True, kw_only=True)
class AssetReady(AssetEvent):
    """Every variant is there. `duration_s` is None for an image, else the nearest second, at least 1."""

    type: ClassVar[str] = "asset_ready"
    media: str
    duration_s: int | None


@dataclass(frozen=True, kw_only=True)
class AssetRefused(AssetEvent):
    """The file will not be used; `reason` is a sentence for its owner."""

    type: ClassVar[str] = "asset_refused"
    reason: str
