"""Working stand-ins for storage and studio, held to the same contracts as the real ones."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from asset.domain import Asset, AssetNotFound, ConcurrentUpdate, Rendition
from asset.studio import RenderedFile, Rendering
from chassis.event import Event


class FakeAssets:
    def __init__(self, *assets: Asset) -> None:
        self._stored = {asset.id: copy.deepcopy(asset) for asset in assets}
        self.events: list[Event] = []

    def get(self, asset_id: str) -> Asset:
        if asset_id not in self._stored:
            raise AssetNotFound(asset_id)
        return copy.deepcopy(self._stored[asset_id])

    def of_upload(self, upload_key: str) -> Asset | None:
        return next((copy.deepcopy(a) for a in self._stored.values() if a.upload_key == upload_key), None)

    def some(self, asset_ids: Sequence[str], owner_id: str | None) -> list[Asset]:
        found = [self._stored[asset_id] for asset_id in sorted(set(asset_ids)) if asset_id in self._stored]
        return [copy.deepcopy(asset) for asset in found if owner_id in (None, asset.owner_id)]

    def add(self, asset: Asset, events: Sequence[Event]) -> None:
        if self.of_upload(asset.upload_key) is not None:
            raise ConcurrentUpdate(asset.id)
        self._stored[asset.id] = copy.deepcopy(asset)
        self.events.extend(events)

    def save(self, asset: Asset, events: Sequence[Event]) -> None:
        if self._stored[asset.id].version != asset.version:
            raise ConcurrentUpdate(asset.id)
        asset.version += 1
        self._stored[asset.id] = copy.deepcopy(asset)
        self.events.extend(events)


class FakeRenditions:
    def __init__(self) -> None:
        self._stored: dict[tuple[str, str], Rendition] = {}

    def get(self, sha256: str, recipe: str) -> Rendition | None:
        return self._stored.get((sha256, recipe))

    def add(self, sha256: str, recipe: str, rendition: Rendition) -> None:
        self._stored.setdefault((sha256, recipe), rendition)


class FakeObjects:
    def __init__(self, **contents: bytes) -> None:
        self.stored: dict[str, bytes] = dict(contents)

    def size(self, key: str) -> int | None:
        return len(self.stored[key]) if key in self.stored else None

    def sha256(self, key: str) -> str:
        return hashlib.sha256(self.stored[key]).hexdigest()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            path.write_bytes(self.stored[key])
            yield path

    def keep(self, key: str, source: Path) -> None:
        self.stored.setdefault(key, source.read_bytes())

    def delete(self, key: str) -> None:
        self.stored.pop(key, None)


class FakeStudio:
    """Takes everything for a picture but what begins with "bad". `rendered` counts the work."""

    recipe = "v1"

    def __init__(self) -> None:
        self.rendered = 0

    @contextmanager
    def render(self, source: Path) -> Iterator[Rendering]:
        self.rendered += 1
        content = source.read_bytes()
        if content.startswith(b"bad"):
            yield Rendering(reason="The image is damaged.")
            return
        with TemporaryDirectory() as folder:
            made = Path(folder) / "banner.png"
            made.write_bytes(content)
            yield Rendering("image", None, [RenderedFile("banner", "png", 1920, 270, made)])
