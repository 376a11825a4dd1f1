"""The asset service dies at every step of processing an upload; each upload is ready, with every variant."""

from __future__ import annotations

from collections.abc import Callable

from compose.chaos.crashing import WHENS, Crashing, saga_points
from compose.demo import media

PROCESSING = saga_points("asset_processing", "process.do", "discard_upload.do")


class Processing(Crashing):
    service = "asset"

    def prepare(self) -> None:
        self.fund()
        self.points = PROCESSING[: len(WHENS)] if self.guard_off else PROCESSING
        self.assets: list[str] = []

    def crash_all(self) -> None:
        self.crash(self.points, [self.uploading(number) for number in range(len(self.points))])

    def uploading(self, number: int) -> Callable[[], None]:
        """Each its own content, for what was made of a content once is not made again."""
        content = media.banner(f"{self.run_id} {number}")
        return lambda: self.assets.append(self.upload_one(f"{number}.png", content))

    def compare(self) -> None:
        self.expect("uploads", len(self.points), len(set(self.assets)))
        for asset_id in self.assets:
            asset = self.processed(asset_id)
            for variant in asset["variants"]:
                self.api.download(variant["url"])
