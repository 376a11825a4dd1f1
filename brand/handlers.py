"""The use cases of brand: load, one verb of the domain, save."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from brand.domain import BrandNotFound, BudgetRange, ConcurrentUpdate, Profile
from brand.events import ContactPerson
from chassis.clock import Clock
from chassis.event import Event, ReceivedEvent
from chassis.principal import Caller

# Each lost race means that another caller's change was stored, so a few attempts are enough.
ATTEMPTS = 4


class Profiles(Protocol):
    def get(self, brand_id: str) -> Profile:
        """BrandNotFound when there is none."""

    def add(self, profile: Profile) -> None:
        """ConcurrentUpdate when there is one already."""

    def save(self, profile: Profile, events: Sequence[Event]) -> None:
        """ConcurrentUpdate when it has changed since it was loaded."""


def get_profile(profiles: Profiles, clock: Clock, by: Caller) -> Profile:
    by.must_be("brand")
    return own_profile(profiles, clock, by)


def update_profile(profiles: Profiles, clock: Clock, by: Caller, patch: Mapping[str, Any]) -> Profile:
    by.must_be("brand")
    changes = typed(patch)
    return changed(profiles, clock, by, lambda profile: profile.update(changes, clock.now()))


def request_verification(profiles: Profiles, clock: Clock, by: Caller) -> Profile:
    by.must_be("brand")
    return changed(profiles, clock, by, lambda profile: profile.request_verification(clock.now()))


def public_profile(profiles: Profiles, *, brand_id: str) -> Profile:
    return profiles.get(brand_id)


def start_profile(profiles: Profiles, event: ReceivedEvent) -> None:
    """Begin the profile of a new brand, or complete the one that its owner was quicker to open."""
    facts = event.data
    profile = found_or_blank(profiles, facts["account_id"], event.time)
    profile.fill_in(
        email=facts["email"],
        company_name=facts["company_name"],
        industry=facts["industry"],
        contact_person=ContactPerson(**facts["contact_person"]),
    )
    profiles.save(profile, [])


def own_profile(profiles: Profiles, clock: Clock, by: Caller) -> Profile:
    """The caller's profile, made blank when the registration has not arrived here yet."""
    return found_or_blank(profiles, by.id, clock.now())


def found_or_blank(profiles: Profiles, brand_id: str, at: datetime) -> Profile:
    try:
        return profiles.get(brand_id)
    except BrandNotFound:
        return added_blank(profiles, Profile.blank(brand_id, at))


def added_blank(profiles: Profiles, blank: Profile) -> Profile:
    try:
        profiles.add(blank)
    except ConcurrentUpdate:
        # The registration, or another request, was quicker by a moment.
        return profiles.get(blank.id)
    return blank


def changed(
    profiles: Profiles, clock: Clock, by: Caller, change: Callable[[Profile], Sequence[Event]]
) -> Profile:
    """Make the change on a fresh load when another one was stored in between.

    A new brand's first change commonly meets the arrival of its registration.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return changed_once(profiles, clock, by, change)
        except ConcurrentUpdate:
            continue
    return changed_once(profiles, clock, by, change)


def changed_once(
    profiles: Profiles, clock: Clock, by: Caller, change: Callable[[Profile], Sequence[Event]]
) -> Profile:
    """Nothing is stored when nothing changed, so that a repeated request leaves the version alone."""
    profile = own_profile(profiles, clock, by)
    events = change(profile)
    if events:
        profiles.save(profile, events)
    return profile


def typed(patch: Mapping[str, Any]) -> dict[str, Any]:
    """The patch with its budget range as the value that checks itself."""
    preferences = dict(patch.get("marketing_preferences", {}))
    if not preferences.get("budget_range"):
        return dict(patch)
    preferences["budget_range"] = BudgetRange(**preferences["budget_range"])
    return {**patch, "marketing_preferences": preferences}
