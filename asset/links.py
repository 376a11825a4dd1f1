"""Addresses at which the gateway serves variants, open for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from asset.domain import Asset, Variant
from chassis.clock import Clock
from chassis.signed_urls import sign

VALID_SECONDS = 24 * 3600
ROUND_TO_SECONDS = 3600
"""Within an hour a variant keeps its address, so that caches, which go by the address, find it again."""


class Links:
    """Signs `/media/<key>`. An address is valid for 24 hours at least and 25 at most."""

    def __init__(self, clock: Clock, signing_key: str) -> None:
        self._clock = clock
        self._signing_key = signing_key

    def with_urls(self, asset: Asset) -> dict[str, object]:
        """The asset as a mapping, each variant with its `url`."""
        variants = [vars(variant) | {"url": self.url(variant)} for variant in asset.variants]
        return vars(asset) | {"variants": variants}

    def url(self, variant: Variant) -> str:
        return sign(f"/media/{variant.key}", self._expiry(), self._signing_key)

    def _expiry(self) -> datetime:
        rounded = -(-int(self._clock.now().timestamp()) // ROUND_TO_SECONDS) * ROUND_TO_SECONDS
        return datetime.fromtimestamp(rounded, UTC) + timedelta(seconds=VALID_SECONDS)
