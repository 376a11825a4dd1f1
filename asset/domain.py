"""Assets: what became of an upload."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asset.events import AssetReady, AssetRefused, AssetUploaded
from chassis.errors import NotFound, ServiceUnavailable, TooLarge, ValidationFailed
from chassis.event import Event

UPLOADED, PROCESSING, READY, REFUSED = "uploaded", "processing", "ready", "refused"

MAX_UPLOAD_BYTES = 200 * 1024 * 1024
"""The limit of a video. The lower one of an image is checked when it is known to be an image."""


class AssetNotFound(NotFound):
    code, title = "asset.not_found", "Asset not found"


class UploadNotFound(ValidationFailed):
    code, title = "asset.upload_not_found", "There is no such complete upload"


class UploadTooLarge(TooLarge):
    code, title = "asset.too_large", "The file is too large"


class ConcurrentUpdate(ServiceUnavailable):
    """Nobody did anything wrong, and the same request succeeds next time: hence no 409."""

    code, title = "asset.concurrent_update", "The asset has changed meanwhile"


class StillProcessing(ServiceUnavailable):
    code, title = "asset.still_processing", "The asset is being processed"


@dataclass(frozen=True)
class Variant:
    """One file made from an upload; `key` names it in the object store."""

    placement: str
    format: str
    width: int
    height: int
    key: str


@dataclass(frozen=True)
class Rendition:
    """What became of one content: its variants, or the reason why there are none."""

    media: str | None = None
    duration_ms: int | None = None
    variants: list[Variant] = field(default_factory=list)
    reason: str | None = None

    @classmethod
    def refused(cls, reason: str) -> Rendition:
        return cls(reason=reason)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Rendition:
        return cls(**data | {"variants": [Variant(**variant) for variant in data["variants"]]})

    @property
    def duration_s(self) -> int | None:
        """The nearest whole second, and at least one."""
        return None if self.duration_ms is None else max(1, (self.duration_ms + 500) // 1000)


@dataclass
class Asset:
    """An upload of a brand. `version` counts the saved changes."""

    id: str
    owner_id: str
    kind: str
    upload_key: str
    filename: str
    size: int
    created_at: datetime
    updated_at: datetime
    status: str = UPLOADED
    sha256: str | None = None
    media: str | None = None
    duration_s: int | None = None
    variants: list[Variant] = field(default_factory=list)
    reason: str | None = None
    version: int = 0

    @property
    def is_finished(self) -> bool:
        return self.status in (READY, REFUSED)

    def uploaded(self) -> list[Event]:
        """The event of a new asset."""
        return [AssetUploaded(asset_id=self.id, owner_id=self.owner_id)]

    def begin(self, at: datetime) -> bool:
        """Processing starts, or starts again after a crash; False when there was nothing to change."""
        if self.status != UPLOADED:
            return False
        self.status, self.updated_at = PROCESSING, at
        return True

    def conclude(self, rendition: Rendition, sha256: str | None, at: datetime) -> list[Event]:
        """Take the result over. A finished asset stays what it is, however often it is told."""
        if self.is_finished:
            return []
        self.sha256, self.updated_at = sha256, at
        if rendition.reason is not None:
            return self._refuse(rendition.reason)
        return self._accept(rendition)

    def _refuse(self, reason: str) -> list[Event]:
        self.status, self.reason = REFUSED, reason
        return [AssetRefused(asset_id=self.id, owner_id=self.owner_id, reason=reason)]

    def _accept(self, rendition: Rendition) -> list[Event]:
        self.status, self.media = READY, rendition.media
        self.duration_s, self.variants = rendition.duration_s, list(rendition.variants)
        return [
            AssetReady(
                asset_id=self.id,
                owner_id=self.owner_id,
                media=rendition.media or "",
                duration_s=rendition.duration_s,
            )
        ]


def variant_key(sha256: str, recipe: str, name: str) -> str:
    """Where a variant of that content is kept: the same content under the same recipe has one place."""
    return f"variants/{sha256}/{recipe}/{name}"


def original_key(sha256: str) -> str:
    """Where the content itself is kept, for later recipes. It is never served."""
    return f"originals/{sha256}"
