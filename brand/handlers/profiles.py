"""A brand's profile, and who may see and change which part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from brand.domain.profile import BrandNotFound, BudgetRange, ConcurrentUpdate, Profile
from brand.events import ContactPerson
from brand.handlers.ports import Profiles
from brand.handlers.retries import retried
from chassis.clock import Clock
from chassis.event import Event, ReceivedEvent
from chassis.principal import Caller, ScopedCaller
from chassis.versions import must_be_expected

BILLING = "billing_info"
READS_BILLING, WRITES_BILLING, WRITES_PROFILE = "billing:read", "billing:write", "profile:write"


def hidden_from(by: ScopedCaller) -> tuple[str, ...]:
    """The fields of its own profile that the caller may not see."""
    return () if by.has(READS_BILLING) else (BILLING,)


def get_profile(profiles: Profiles, clock: Clock, by: Caller) -> Profile:
    by.must_be("brand")
    return own_profile(profiles, clock, by)


def update_profile(profiles: Profiles, clock: Clock, by: ScopedCaller, patch: Mapping[str, Any]) -> Profile:
    by.must_be("brand")
    named = {name: value for name, value in patch.items() if name != "expected_versions"}
    for name in named:
        by.must_have(WRITES_BILLING if name == BILLING else WRITES_PROFILE)
    changes = typed(named)

    def change(profile: Profile) -> Sequence[Event]:
        must_be_expected(profile.version, patch.get("expected_versions"))
        return profile.update(changes, clock.now())

    return changed(profiles, clock, by, change)


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
    return retried(lambda: changed_once(profiles, clock, by, change))


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
