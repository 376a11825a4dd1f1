"""One contract for the fake and the real store."""

from __future__ import annotations

import pytest

from brand.domain.profile import BrandNotFound, ConcurrentUpdate, Profile
from brand.storage import MongoProfiles
from brand.tests.fakes import FakeProfiles
from brand.tests.mothers import MONDAY, acme
from chassis.ids import new_id


@pytest.fixture(params=["fake", "mongo"])
def profiles(request):
    if request.param == "fake":
        return FakeProfiles()
    built = MongoProfiles(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    built.ensure_indexes()
    return built


@pytest.mark.parametrize("profile", [acme(), Profile.blank(new_id("brd"), MONDAY)], ids=["full", "blank"])
def test_a_profile_comes_back_as_it_was_added(profiles, profile):
    profiles.add(profile)

    assert profiles.get(profile.id) == profile


def test_a_missing_profile_is_not_found(profiles):
    with pytest.raises(BrandNotFound):
        profiles.get(new_id("brd"))


def test_a_brand_has_one_profile(profiles):
    profile = acme()
    profiles.add(profile)

    with pytest.raises(ConcurrentUpdate):
        profiles.add(profile)


def test_a_saved_profile_comes_back_as_it_was_saved(profiles):
    profile = acme()
    profiles.add(profile)
    events = profile.update({"billing_info": {"tax_id": "US-2"}}, MONDAY)

    profiles.save(profile, events)

    assert profiles.get(profile.id) == profile


def test_a_profile_that_changed_since_it_was_loaded_is_not_overwritten(profiles):
    profile = acme()
    profiles.add(profile)
    stale = profiles.get(profile.id)
    profiles.save(profile, [])

    with pytest.raises(ConcurrentUpdate):
        profiles.save(stale, [])


def test_a_refused_change_leaves_no_event(mongo, outbox):
    profiles = MongoProfiles(mongo, outbox)
    profile = acme()
    profiles.add(profile)
    stale = profiles.get(profile.id)
    profiles.save(profile, [])

    with pytest.raises(ConcurrentUpdate):
        profiles.save(stale, stale.request_verification(MONDAY))

    assert outbox.events == []
