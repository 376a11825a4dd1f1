"""A streamer's overlay: the link that opens it, and the sessions in which it proves what it has shown."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chassis.event import Event
from participation import events
from participation.domain.chain import Chain
from participation.domain.deliveries import from_epoch_ms
from participation.domain.frequency import Frequency


def fingerprint(token: str) -> str:
    """The SHA-256 of a link's token: what a look-up needs, and what a stolen database does not reveal."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class Overlay:
    """One per streamer, for all campaigns. `channel` addresses the pages that the present link opened."""

    streamer_id: str
    channel: str
    token_hash: str
    sealed_token: str
    created_at: datetime
    version: int = 0

    def replace_link(self, token_hash: str, sealed_token: str, channel: str) -> list[Event]:
        """The old link dies at once, and with it every page that was opened by it."""
        dead = events.OverlayLinkReplaced(streamer_id=self.streamer_id, channel=self.channel)
        self.token_hash, self.sealed_token, self.channel = token_hash, sealed_token, channel
        return [dead]

    def manifest_changed(self, reason: str) -> list[Event]:
        return [events.ManifestChanged(streamer_id=self.streamer_id, channel=self.channel, reason=reason)]

    def show_test(self) -> list[Event]:
        return [events.OverlayTestRequested(streamer_id=self.streamer_id, channel=self.channel)]


@dataclass(frozen=True, slots=True)
class Slot:
    """One creative that a manifest allows to be shown. `urls` are in the order in which to try them."""

    delivery_slot: int
    participation_id: str
    creative_id: str
    placement: str
    media: str
    duration_s: int
    weight: int
    urls: list[str]
    frequency: Frequency

    def renumbered(self, number: int) -> Slot:
        return replace(self, delivery_slot=number)


@dataclass(slots=True)
class Session:
    """What was issued with one manifest. A new manifest supersedes the session of the one before.

    `sealed_key` is encrypted; times are milliseconds of the epoch.
    """

    id: str
    streamer_id: str
    sealed_key: str
    issued_ms: int
    expires_ms: int
    superseded_ms: int | None = None
    slots: list[Slot] = field(default_factory=list)
    chain: Chain = field(default_factory=lambda: Chain(""))

    @classmethod
    def open(
        cls, id: str, streamer_id: str, sealed_key: str, slots: list[Slot], at_ms: int, lasts: timedelta
    ) -> Session:
        return cls(
            id=id,
            streamer_id=streamer_id,
            sealed_key=sealed_key,
            issued_ms=at_ms,
            expires_ms=at_ms + lasts // timedelta(milliseconds=1),
            slots=slots,
            chain=Chain(id),
        )

    @property
    def expires_at(self) -> datetime:
        return from_epoch_ms(self.expires_ms)

    @property
    def participation_ids(self) -> set[str]:
        return {slot.participation_id for slot in self.slots}
