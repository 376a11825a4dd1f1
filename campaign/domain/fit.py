"""Whether a streamer fits a campaign, and for each rule that fails the nearest change that would pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from campaign.domain.brief import Requirements, Targeting
from campaign.domain.campaign import Campaign


@dataclass(frozen=True, slots=True)
class Platform:
    """A verified channel and its figures."""

    name: str
    followers: int
    average_viewers: int
    content_categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Streamer:
    """What the streamer service vouches for."""

    id: str
    verified: bool
    platforms: tuple[Platform, ...] = ()
    primary_country: str | None = None
    languages: tuple[str, ...] = ()
    audience_age_ranges: tuple[str, ...] = ()
    audience_interests: tuple[str, ...] = ()

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the answer of streamer.eligibility; a figure not known yet counts as 0."""
        return cls(
            id=answer["streamer_id"],
            verified=answer["verified"],
            platforms=tuple(_platform(platform) for platform in answer["platforms"]),
            primary_country=answer.get("primary_country"),
            languages=tuple(answer.get("languages") or ()),
            audience_age_ranges=tuple(answer.get("audience_age_ranges") or ()),
            audience_interests=tuple(answer.get("audience_interests") or ()),
        )


def _platform(answer: Mapping[str, Any]) -> Platform:
    return Platform(
        name=answer["name"],
        followers=answer.get("followers") or 0,
        average_viewers=answer.get("average_viewers") or 0,
        content_categories=tuple(answer.get("content_categories") or ()),
    )


def reasons_against_joining(campaign: Campaign, streamer: Streamer) -> list[str]:
    """Every rule that keeps this streamer out of this campaign; empty when it fits."""
    if streamer.id in campaign.brief.blocked_streamers:
        return ["blocked by the brand"]
    return [
        *_places(campaign),
        *_verification(streamer),
        *_nearest_platform(campaign.brief.requirements, streamer),
        *_audience(campaign.brief.targeting, streamer),
    ]


def _places(campaign: Campaign) -> list[str]:
    return [] if campaign.places_left else ["places_left 0, needs 1"]


def _verification(streamer: Streamer) -> list[str]:
    return [] if streamer.verified else ["verified_platforms 0, needs 1"]


def _nearest_platform(required: Requirements, streamer: Streamer) -> list[str]:
    """The reasons of the channel that comes closest: one channel has to pass all rules by itself."""
    allowed = [p for p in streamer.platforms if not required.platforms or p.name in required.platforms]
    if allowed:
        return min((_channel(required, platform) for platform in allowed), key=len)
    if not required.platforms:
        return []
    return [_lacks("platforms", [p.name for p in streamer.platforms], required.platforms)]


def _channel(required: Requirements, platform: Platform) -> list[str]:
    return [
        *_at_least("average_viewers", platform.average_viewers, required.min_average_viewers),
        *_at_least("followers", platform.followers, required.min_followers),
        *_one_of("content_categories", platform.content_categories, required.content_categories),
    ]


def _audience(wanted: Targeting, streamer: Streamer) -> list[str]:
    country = [streamer.primary_country] if streamer.primary_country else []
    return [
        *_one_of("primary_country", country, wanted.countries),
        *_one_of("languages", streamer.languages, wanted.languages),
        *_one_of("audience_age_ranges", streamer.audience_age_ranges, wanted.age_ranges),
        *_one_of("audience_interests", streamer.audience_interests, wanted.interests),
    ]


def _at_least(name: str, has: int, needs: int) -> list[str]:
    return [] if has >= needs else [f"{name} {has}, needs {needs}"]


def _one_of(name: str, has: Sequence[str], needs: Sequence[str]) -> list[str]:
    return [] if not needs or set(has) & set(needs) else [_lacks(name, has, needs)]


def _lacks(name: str, has: Sequence[str], needs: Sequence[str]) -> str:
    return f"{name} {' and '.join(has) or 'none'}, needs {' or '.join(needs)}"
