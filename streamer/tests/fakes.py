"""Working stand-ins for storage and platforms, held to the same contracts as the real ones."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from chassis.event import Event
from streamer.domain import (
    Channel,
    ChannelNotFound,
    ChannelTaken,
    ConcurrentUpdate,
    PlatformUnavailable,
    Sample,
    Streamer,
    StreamerNotFound,
    verified_channels,
)


class FakeStreamers:
    def __init__(self, *streamers: Streamer) -> None:
        self._stored = {streamer.id: copy.deepcopy(streamer) for streamer in streamers}
        self.events: list[Event] = []

    def get(self, streamer_id: str) -> Streamer:
        if streamer_id not in self._stored:
            raise StreamerNotFound(streamer_id)
        return copy.deepcopy(self._stored[streamer_id])

    def add(self, streamer: Streamer) -> None:
        self._stored.setdefault(streamer.id, copy.deepcopy(streamer))

    def save(self, streamer: Streamer, events: Sequence[Event]) -> None:
        if self._stored[streamer.id].version != streamer.version:
            raise ConcurrentUpdate(streamer.id)
        others = [other for other in self._stored.values() if other.id != streamer.id]
        claimed = {channel for other in others for channel in verified_channels(other.platforms)}
        if claimed & set(verified_channels(streamer.platforms)):
            raise ChannelTaken(streamer.id)
        streamer.version += 1
        self._stored[streamer.id] = copy.deepcopy(streamer)
        self.events.extend(events)


class FakeSamples:
    def __init__(self) -> None:
        self.stored: list[Sample] = []

    def latest(self, streamer_id: str) -> Sample | None:
        own = [sample for sample in self.stored if sample.streamer_id == streamer_id]
        return max(own, key=lambda sample: sample.sampled_at, default=None)

    def add(self, sample: Sample) -> None:
        self.stored.append(sample)


class FakeChannels:
    """Platforms that know the given channels; `asked` counts the samples taken of them."""

    def __init__(self, *channels: Channel) -> None:
        self.by_name = {channel.username: channel for channel in channels}
        self.is_down = False
        self.asked = 0

    def find(self, platform: str, username: str, channel_url: str) -> Channel:
        self._answer()
        if username.lower() not in self.by_name:
            raise ChannelNotFound(username)
        return self.by_name[username.lower()]

    def viewers(self, platform: str, channel_id: str) -> int | None:
        self._answer()
        self.asked += 1
        return next((c.viewers for c in self.by_name.values() if c.channel_id == channel_id), None)

    def _answer(self) -> None:
        if self.is_down:
            raise PlatformUnavailable("down")


class FakeVault:
    def encrypt(self, text: str) -> str:
        return text[::-1]

    def decrypt(self, text: str) -> str:
        return text[::-1]
