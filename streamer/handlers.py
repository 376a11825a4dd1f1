"""The use cases of the streamer service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chassis.clock import Clock
from chassis.event import Event
from chassis.ids import NewId
from chassis.principal import Caller
from chassis.races import retried
from chassis.versions import Expected, must_be_expected
from streamer import domain
from streamer.domain import Channel, PayoutMethod, Platform, Sample, Streamer


class Streamers(Protocol):
    def get(self, streamer_id: str) -> Streamer:
        """The streamer; StreamerNotFound when there is none."""

    def add(self, streamer: Streamer) -> None:
        """Store a new profile. Does nothing when one with that id is there: two first requests may meet."""

    def save(self, streamer: Streamer, events: Sequence[Event]) -> None:
        """Store a changed profile with its events. ConcurrentUpdate when somebody else was faster,
        ChannelTaken when one of its verified channels is verified for another streamer."""


class Samples(Protocol):
    def latest(self, streamer_id: str) -> Sample | None: ...

    def add(self, sample: Sample) -> None: ...


class Channels(Protocol):
    """The streaming platforms. Every method may raise PlatformUnavailable."""

    def find(self, platform: str, username: str, channel_url: str) -> Channel:
        """The channel as its platform describes it; ChannelNotFound when it knows none of that name."""

    def viewers(self, platform: str, channel_id: str) -> int | None:
        """How many are watching now; None when the channel is offline."""


class Vault(Protocol):
    def encrypt(self, text: str) -> str: ...

    def decrypt(self, text: str) -> str: ...


class Turns(Protocol):
    def of(self, key: str) -> AbstractContextManager[Any]:
        """Holds off others in this process who want the turn of the same key."""


@dataclass(frozen=True)
class UpdateProfile:
    display_name: str | None = None
    demographics: dict[str, str | list[str]] = field(default_factory=dict)
    expected_versions: Expected = None


@dataclass(frozen=True)
class LinkPlatform:
    name: str
    username: str
    channel_url: str = ""


@dataclass(frozen=True)
class VerifyPlatform:
    streamer_id: str
    name: str
    status: str
    metrics: dict[str, int | list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class SetPayoutMethod:
    method: str
    account_holder: str
    account_details: str


@dataclass(frozen=True)
class Registration:
    account_id: str
    email: str
    display_name: str


@dataclass(frozen=True)
class Audience:
    """Who watches now. `platform` is empty when there is no channel that could be asked."""

    live: bool
    viewers: int
    platform: str
    country: str
    sampled_at: datetime


@dataclass(frozen=True)
class PayoutDestination:
    """Where to send money; `verified` says that it may be sent."""

    streamer_id: str
    verified: bool
    method: str | None = None
    account_holder: str | None = None
    account_details: str | None = field(default=None, repr=False)


def welcome(streamers: Streamers, clock: Clock, registered: Registration) -> None:
    """A streamer has registered; their first requests may have been here before the news."""
    streamers.add(Streamer.blank(registered.account_id, clock.now()))
    streamer = streamers.get(registered.account_id)
    if streamer.introduce(registered.email, registered.display_name, clock.now()):
        streamers.save(streamer, [])


def get_profile(streamers: Streamers, clock: Clock, by: Caller) -> Streamer:
    """The caller's own profile; a blank one when the news of the registration is still on its way."""
    by.must_be("streamer")
    try:
        return streamers.get(by.id)
    except domain.StreamerNotFound:
        streamers.add(Streamer.blank(by.id, clock.now()))
        return streamers.get(by.id)


def changed(
    streamers: Streamers, load: Callable[[], Streamer], verb: Callable[[Streamer], Sequence[Event]]
) -> Streamer:
    """Load, one domain verb, save; again when the news of the registration or another change came between."""

    def change() -> Streamer:
        streamer = load()
        streamers.save(streamer, verb(streamer))
        return streamer

    return retried(change, domain.ConcurrentUpdate)


def update_profile(streamers: Streamers, clock: Clock, by: Caller, command: UpdateProfile) -> Streamer:
    streamer = get_profile(streamers, clock, by)
    must_be_expected(streamer.version, command.expected_versions)
    events = streamer.describe(
        display_name=command.display_name, demographics=command.demographics, at=clock.now()
    )
    try:
        streamers.save(streamer, events)
    except domain.ConcurrentUpdate:
        must_be_expected(streamers.get(streamer.id).version, command.expected_versions)
        raise
    return streamer


def link_platform(
    streamers: Streamers, channels: Channels, clock: Clock, by: Caller, command: LinkPlatform
) -> Streamer:
    """Ask the platform first, and load afterwards: no profile is held while somebody else's server thinks."""
    by.must_be("streamer")
    channel = channels.find(command.name, command.username, command.channel_url)
    return changed(
        streamers,
        lambda: get_profile(streamers, clock, by),
        lambda streamer: streamer.link(command.name, channel, at=clock.now()),
    )


def unlink_platform(streamers: Streamers, clock: Clock, by: Caller, name: str) -> Streamer:
    return changed(
        streamers,
        lambda: get_profile(streamers, clock, by),
        lambda streamer: streamer.unlink(name, at=clock.now()),
    )


def verify_platform(streamers: Streamers, clock: Clock, by: Caller, command: VerifyPlatform) -> Streamer:
    by.must_be("admin")
    return changed(
        streamers,
        lambda: streamers.get(command.streamer_id),
        lambda streamer: streamer.decide(command.name, command.status, command.metrics, at=clock.now()),
    )


def set_payout_method(
    streamers: Streamers, vault: Vault, clock: Clock, by: Caller, command: SetPayoutMethod
) -> Streamer:
    by.must_be("streamer")
    details = domain.normalised_payout_details(command.method, command.account_details)
    method = PayoutMethod(
        method=command.method,
        account_holder=command.account_holder,
        sealed_details=vault.encrypt(details),
        masked_details=domain.masked_payout_details(command.method, details),
    )
    return changed(
        streamers,
        lambda: get_profile(streamers, clock, by),
        lambda streamer: streamer.pay_out_to(method, at=clock.now()),
    )


def payout_destination(streamers: Streamers, vault: Vault, streamer_id: str) -> PayoutDestination:
    """Where payment sends money. A method is verified by the check of its details when it was set."""
    method = streamers.get(streamer_id).payout_method
    if method is None:
        return PayoutDestination(streamer_id, verified=False)
    return PayoutDestination(
        streamer_id, True, method.method, method.account_holder, vault.decrypt(method.sealed_details)
    )


def audience(
    streamers: Streamers,
    samples: Samples,
    channels: Channels,
    turns: Turns,
    clock: Clock,
    new_id: NewId,
    streamer_id: str,
    *,
    every: int,
) -> Audience:
    """How many watch the streamer, by a sample that is at most `every` seconds old.

    Viewers are what impressions are estimated from, so only a verified channel is counted. Many ask
    at once while an ad runs: one of them asks the platform, the others wait for its sample.
    """
    streamer = streamers.get(streamer_id)
    platform = _sampled_platform(streamer)
    country = streamer.demographics.primary_country
    if platform is None:
        return Audience(False, 0, "", country, clock.now())
    with turns.of(streamer_id):
        sample = samples.latest(streamer_id)
        if sample is None or not sample.is_fresh(clock.now(), every):
            sample = _take_sample(samples, channels, clock, new_id, streamer_id, platform)
    return Audience(
        sample.viewers is not None, sample.viewers or 0, sample.platform, country, sample.sampled_at
    )


def _sampled_platform(streamer: Streamer) -> Platform | None:
    """Twitch is the one platform that we can ask."""
    return next((p for p in streamer.verified_platforms if p.name == domain.TWITCH), None)


def _take_sample(
    samples: Samples, channels: Channels, clock: Clock, new_id: NewId, streamer_id: str, platform: Platform
) -> Sample:
    viewers = channels.viewers(platform.name, platform.channel_id)
    # MongoDB keeps milliseconds, and everybody who is given this sample has to see the same time.
    now = clock.now()
    taken_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    sample = Sample(new_id("smp"), streamer_id, platform.name, viewers, taken_at)
    samples.add(sample)
    return sample
