"""Streamers: who they are, which channels are theirs, and where their money goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from chassis.errors import Conflict, NotFound, ServiceUnavailable, ValidationFailed
from chassis.event import Event
from streamer.events import (
    PayoutMethodChanged,
    PlatformLinked,
    PlatformMetrics,
    PlatformUnlinked,
    PlatformVerified,
    StreamerProfileUpdated,
)

PENDING, VERIFIED, REJECTED = "pending", "verified", "rejected"
TWITCH = "twitch"
PLATFORMS = (TWITCH, "youtube", "tiktok", "other")
BANK, PAYPAL, STRIPE = "bank", "paypal", "stripe"


class StreamerNotFound(NotFound):
    code, title = "streamer.not_found", "Streamer not found"


class PlatformNotFound(NotFound):
    code, title = "streamer.platform_not_found", "No such platform is linked"


class ChannelNotFound(ValidationFailed):
    code, title = "streamer.channel_not_found", "The platform knows no such channel"


class ChannelTaken(Conflict):
    code, title = "streamer.channel_taken", "The channel was verified for another streamer"


class PlatformUnavailable(ServiceUnavailable):
    code, title = "streamer.platform_unavailable", "The streaming platform does not answer"


class ConcurrentUpdate(Conflict):
    code, title = "streamer.concurrent_update", "The profile has changed meanwhile"


class InvalidPayoutDetails(ValidationFailed):
    code, title = "streamer.invalid_payout_details", "The payout details are not valid"


@dataclass(frozen=True)
class Channel:
    """A channel as its platform describes it, at the moment of asking.

    `channel_id` stays when a channel is renamed. `viewers` is None while the channel is offline.
    """

    channel_id: str
    username: str
    channel_url: str
    followers: int = 0
    viewers: int | None = None
    category: str = ""

    def first_metrics(self) -> PlatformMetrics:
        """What one look at the channel tells.

        No platform gives an average, so the viewers of this moment stand for it until an admin
        verifies the channel with better figures.
        """
        viewers = self.viewers or 0
        return PlatformMetrics(
            followers=self.followers,
            average_viewers=viewers,
            peak_viewers=viewers,
            content_category=[self.category] if self.category else [],
        )


@dataclass(frozen=True)
class Platform:
    """A channel linked to a streamer, and what we believe of it."""

    name: str
    channel_id: str
    username: str
    channel_url: str
    metrics: PlatformMetrics
    status: str = PENDING

    @property
    def is_verified(self) -> bool:
        return self.status == VERIFIED


@dataclass(frozen=True)
class Demographics:
    """Who watches, as the streamer says it."""

    primary_country: str = ""
    languages: list[str] = field(default_factory=list)
    audience_age_ranges: list[str] = field(default_factory=list)
    audience_interests: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PayoutMethod:
    """Where money goes. `sealed_details` is encrypted, `masked_details` may be shown."""

    method: str
    account_holder: str
    sealed_details: str
    masked_details: str


@dataclass(frozen=True)
class Sample:
    """The audience of a streamer at one moment, as the platform reported it."""

    id: str
    streamer_id: str
    platform: str
    viewers: int | None
    sampled_at: datetime

    def is_fresh(self, now: datetime, seconds: int) -> bool:
        return now - self.sampled_at < timedelta(seconds=seconds)


@dataclass
class Streamer:
    """A streamer's profile. `version` counts the saved changes."""

    id: str
    created_at: datetime
    updated_at: datetime
    email: str = ""
    display_name: str = ""
    platforms: list[Platform] = field(default_factory=list)
    demographics: Demographics = field(default_factory=Demographics)
    payout_method: PayoutMethod | None = None
    version: int = 0

    @classmethod
    def blank(cls, streamer_id: str, at: datetime) -> Streamer:
        """A profile of which only the account is known yet."""
        return cls(id=streamer_id, created_at=at, updated_at=at)

    @property
    def verified_platforms(self) -> list[Platform]:
        return [platform for platform in self.platforms if platform.is_verified]

    def introduce(self, email: str, display_name: str, at: datetime) -> bool:
        """Fill in what the registration said where nothing was said since; True when that made a change."""
        before = (self.email, self.display_name)
        self.email = self.email or email
        self.display_name = self.display_name or display_name
        if (self.email, self.display_name) == before:
            return False
        self.updated_at = at
        return True

    def describe(
        self, *, display_name: str | None, demographics: dict[str, str | list[str]], at: datetime
    ) -> list[Event]:
        """Change what is given, leave the rest; no event when nothing is different."""
        wanted_name = self.display_name if display_name is None else display_name
        wanted = replace(self.demographics, **demographics)  # type: ignore[arg-type]
        changed = [
            f.name for f in fields(wanted) if getattr(wanted, f.name) != getattr(self.demographics, f.name)
        ]
        if wanted_name != self.display_name:
            changed.insert(0, "display_name")
        if not changed:
            return []
        self.display_name, self.demographics, self.updated_at = wanted_name, wanted, at
        return [StreamerProfileUpdated(streamer_id=self.id, display_name=wanted_name, changed=changed)]

    def platform(self, name: str) -> Platform:
        """The linked platform of that name; PlatformNotFound when there is none."""
        for platform in self.platforms:
            if platform.name == name:
                return platform
        raise PlatformNotFound(f"no {name} channel is linked")

    def link(self, name: str, channel: Channel, at: datetime) -> list[Event]:
        """Link a channel, or another channel in place of the one linked under that name.

        Linking the same channel again keeps what an admin decided about it, and says nothing new. A
        changed name or address is Twitch's word there; elsewhere it is the streamer's, so an admin
        looks again.
        """
        known = next(
            (p for p in self.platforms if p.name == name and p.channel_id == channel.channel_id), None
        )
        if known is not None:
            renamed = replace(known, username=channel.username, channel_url=channel.channel_url)
            if name == TWITCH or renamed == known:
                self._put(renamed, at)
                return []
        self._put(
            Platform(
                name, channel.channel_id, channel.username, channel.channel_url, channel.first_metrics()
            ),
            at,
        )
        return [PlatformLinked(streamer_id=self.id, platform=name, username=channel.username)]

    def unlink(self, name: str, at: datetime) -> list[Event]:
        platform = self.platform(name)
        self.platforms = [other for other in self.platforms if other.name != name]
        self.updated_at = at
        return [PlatformUnlinked(streamer_id=self.id, platform=name, username=platform.username)]

    def decide(
        self, name: str, status: str, metrics: dict[str, int | list[str]], at: datetime
    ) -> list[Event]:
        """An admin's word on a channel, with the figures that the admin knows better than we do.

        An admin may change their mind; saying the same again is no news.
        """
        platform = self.platform(name)
        known = replace(platform.metrics, **metrics)  # type: ignore[arg-type]
        decided = replace(platform, status=status, metrics=known)
        if decided == platform:
            return []
        self._put(decided, at)
        return [PlatformVerified(streamer_id=self.id, platform=name, status=status, metrics=decided.metrics)]

    def pay_out_to(self, method: PayoutMethod, at: datetime) -> list[Event]:
        self.payout_method, self.updated_at = method, at
        return [PayoutMethodChanged(streamer_id=self.id, method=method.method)]

    def _put(self, platform: Platform, at: datetime) -> None:
        others = [other for other in self.platforms if other.name != platform.name]
        self.platforms = sorted([*others, platform], key=lambda p: PLATFORMS.index(p.name))
        self.updated_at = at


def normalised_payout_details(method: str, details: str) -> str:
    """The details in the form in which they are stored; InvalidPayoutDetails says what is wrong with them."""
    checks = {BANK: _iban, PAYPAL: _email, STRIPE: _stripe_account}
    return checks[method](details)


def masked_payout_details(method: str, details: str) -> str:
    """Enough for the owner to recognise the account, too little for anybody else to use it."""
    if method == PAYPAL:
        name, _, domain = details.partition("@")
        return f"{name[0]}•••@{domain}"
    return f"{details[:2] if method == BANK else 'acct_'}••••{details[-4:]}"


_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_STRIPE_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{10,32}")


def _iban(details: str) -> str:
    """ISO 13616: with the first four characters moved to the end and A to Z read as 10 to 35, 97 leaves 1."""
    iban = re.sub(r"[ -]", "", details).upper()
    if not _IBAN.fullmatch(iban):
        raise _invalid("Not an IBAN.")
    if int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 != 1:
        raise _invalid("The check digits of the IBAN are wrong.")
    return iban


def _email(details: str) -> str:
    address = details.strip()
    if not _EMAIL.fullmatch(address):
        raise _invalid("Not an e-mail address.")
    return address


def _stripe_account(details: str) -> str:
    account = details.strip()
    if not _STRIPE_ACCOUNT.fullmatch(account):
        raise _invalid("Not a Stripe account id (acct_…).")
    return account


def _invalid(reason: str) -> InvalidPayoutDetails:
    return InvalidPayoutDetails(reason, {"account_details": [reason]})


def verified_channels(platforms: Sequence[Platform]) -> list[str]:
    """The keys under which verified channels are unique on the whole platform.

    Two streamers with one channel would be paid twice for the same viewers. A channel that merely
    was linked is not claimed, or anybody could keep its owner out.
    """
    return [f"{platform.name}:{platform.channel_id}" for platform in platforms if platform.is_verified]
