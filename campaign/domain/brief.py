"""The brief: all that a brand says about its campaign. Values; each rule across fields is a check here.

The bounds of single fields (lengths, ranges, choices) belong to the published language, schemas.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from chassis.errors import ValidationFailed
from chassis.ids import NewId
from chassis.money import Money

CPM, FLAT_RATE, HYBRID = "cpm", "flat_rate", "hybrid"

# A cost per mille is the price of a thousand viewer-impressions.
MILLE = 1000

# Of a name that is too long with the suffix of a clone, the beginning is kept.
MAX_NAME_LENGTH = 120
CLONE_SUFFIX = " (copy)"


@dataclass(frozen=True, slots=True)
class Targeting:
    """Whom the brand wants to reach; an empty list does not restrict."""

    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    age_ranges: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a streamer must bring; an empty list does not restrict."""

    min_average_viewers: int = 0
    min_followers: int = 0
    content_categories: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Creative:
    """One asset at one place of the overlay; `duration_s` in seconds, `weight` relative to the others."""

    creative_id: str
    asset_id: str
    placement: str
    duration_s: int
    weight: int


@dataclass(frozen=True, slots=True)
class Compensation:
    """What streamers are paid, in minor units of the budget's currency."""

    type: str
    cpm_minor: int = 0
    flat_minor: int = 0
    required_deliveries: int = 0

    @property
    def pays_by_impression(self) -> bool:
        return self.type in (CPM, HYBRID)

    @property
    def pays_flat(self) -> bool:
        return self.type in (FLAT_RATE, HYBRID)

    def smallest_earning_minor(self) -> int:
        """The least that one more delivery can earn: the flat rate, or one viewer's share of the cpm.

        A single viewer earns a fraction of a minor unit at most cpms; rounded up, it is what must be
        left for the next unit to be paid.
        """
        if self.pays_by_impression:
            return max(1, -(-self.cpm_minor // MILLE))
        return self.flat_minor

    def least_budget_minor(self) -> int:
        """The smallest budget that keeps the promise to one streamer."""
        return max(self.smallest_earning_minor(), self.flat_minor)

    def problems(self) -> dict[str, list[str]]:
        """What is missing or superfluous for this type, by field."""
        found: dict[str, list[str]] = {}
        for field, wanted in (
            ("cpm_minor", self.pays_by_impression),
            ("flat_minor", self.pays_flat),
            ("required_deliveries", self.pays_flat),
        ):
            if wanted and getattr(self, field) < 1:
                found[field] = [f"Must be at least 1 for {self.type}."]
            if not wanted and getattr(self, field) != 0:
                found[field] = [f"Has no meaning for {self.type}."]
        return found


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often one overlay may show the campaign."""

    min_seconds_between: int
    max_per_hour: int
    max_per_stream: int


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything about a campaign that its brand decides."""

    name: str
    description: str
    budget: Money
    start_at: datetime
    end_at: datetime
    targeting: Targeting
    requirements: Requirements
    creatives: tuple[Creative, ...]
    compensation: Compensation
    approval: str
    frequency: Frequency
    pacing: str
    max_participants: int
    blocked_streamers: tuple[str, ...]
    category: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """A brief from plain values; the budget is Money already."""
        return cls(**read_values(data))

    def changed_by(self, changes: Mapping[str, Any]) -> Brief:
        """This brief with the given fields, in plain values, replaced."""
        return replace(self, **read_values(changes))

    def differences(self, other: Brief) -> list[str]:
        return [field for field in FIELDS if getattr(self, field) != getattr(other, field)]

    def check(self, now: datetime) -> None:
        """Raise ValidationFailed with every broken rule at once, by field."""
        problems: dict[str, Any] = {}
        problems.update(self._run_problems(now))
        problems.update(self._compensation_problems())
        problems.update(self._creative_problems())
        if problems:
            raise ValidationFailed("The campaign's fields do not fit together", problems)

    def _run_problems(self, now: datetime) -> dict[str, list[str]]:
        if self.end_at <= self.start_at:
            return {"end_at": ["Must be later than start_at."]}
        if self.end_at <= now:
            return {"end_at": ["Must be in the future."]}
        return {}

    def _compensation_problems(self) -> dict[str, Any]:
        problems = self.compensation.problems()
        if problems:
            return {"compensation": problems}
        if self.budget.amount_minor < self.compensation.least_budget_minor():
            return {"budget": ["Cannot pay a single streamer."]}
        return {}

    def _creative_problems(self) -> dict[str, list[str]]:
        shown = [(creative.asset_id, creative.placement) for creative in self.creatives]
        if len(set(shown)) < len(shown):
            return {"creatives": ["An asset appears twice at the same placement."]}
        return {}

    def copied(self, now: datetime, new_id: NewId) -> Brief:
        """The brief of a clone: marked as a copy, and when its run has begun already, moved to begin now."""
        shift = max(now - self.start_at, timedelta(0))
        return replace(
            self,
            name=self.name[: MAX_NAME_LENGTH - len(CLONE_SUFFIX)] + CLONE_SUFFIX,
            start_at=self.start_at + shift,
            end_at=self.end_at + shift,
            creatives=tuple(replace(creative, creative_id=new_id("crv")) for creative in self.creatives),
        )


FIELDS = tuple(field.name for field in fields(Brief))


def to_milliseconds(at: datetime) -> datetime:
    """Times are kept to the millisecond, which is what the store holds."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def with_creative_ids(changes: Mapping[str, Any], new_id: NewId) -> dict[str, Any]:
    """The same changes, each creative in them with an id of its own."""
    if "creatives" not in changes:
        return dict(changes)
    named = [{**creative, "creative_id": new_id("crv")} for creative in changes["creatives"]]
    return {**changes, "creatives": named}


def read_values(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _READERS[name](value) if name in _READERS else value for name, value in data.items()}


def _lists_as_tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def _creatives(items: Iterable[Mapping[str, Any]]) -> tuple[Creative, ...]:
    return tuple(Creative(**item) for item in items)


_READERS: dict[str, Callable[[Any], Any]] = {
    "start_at": to_milliseconds,
    "end_at": to_milliseconds,
    "targeting": lambda data: Targeting(**_lists_as_tuples(data)),
    "requirements": lambda data: Requirements(**_lists_as_tuples(data)),
    "creatives": _creatives,
    "compensation": lambda data: Compensation(**data),
    "frequency": lambda data: Frequency(**data),
    "blocked_streamers": tuple,
}
