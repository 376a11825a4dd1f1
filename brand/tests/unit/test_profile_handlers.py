from __future__ import annotations

from dataclasses import replace

import pytest

from brand import handlers
from brand.domain.profile import BrandNotFound, ConcurrentUpdate
from brand.tests.fakes import FakeProfiles
from brand.tests.mothers import MONDAY, acme, owner_of, registered
from chassis.clock import FixedClock
from chassis.errors import Forbidden, PreconditionFailed, Unauthenticated
from chassis.ids import new_id
from chassis.money import Money
from chassis.principal import ANONYMOUS, Principal

CLOCK = FixedClock(MONDAY)


@pytest.fixture
def profiles():
    return FakeProfiles()


@pytest.fixture
def brand():
    return owner_of(new_id("brd"))


def test_a_registration_begins_the_profile(profiles, brand):
    handlers.start_profile(profiles, registered(brand.id))

    profile = handlers.get_profile(profiles, CLOCK, brand)
    assert profile.company_name == "ACME Rockets"
    assert profile.created_at == MONDAY


def test_a_brand_that_is_quicker_than_its_registration_finds_a_blank_profile(profiles, brand):
    profile = handlers.get_profile(profiles, CLOCK, brand)

    assert (profile.id, profile.company_name) == (brand.id, "")


def test_a_registration_that_arrives_late_fills_only_what_is_blank(profiles, brand):
    handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace"})

    handlers.start_profile(profiles, registered(brand.id))

    profile = handlers.get_profile(profiles, CLOCK, brand)
    assert profile.industry == "aerospace"
    assert profile.email == "ads@acme.example"


def test_a_registration_that_arrives_between_looking_and_adding_wins(profiles, brand, monkeypatch):
    add = profiles.add

    def overtaken(profile):
        monkeypatch.setattr(profiles, "add", add)
        handlers.start_profile(profiles, registered(brand.id))
        raise ConcurrentUpdate()

    monkeypatch.setattr(profiles, "add", overtaken)

    profile = handlers.get_profile(profiles, CLOCK, brand)

    assert profile.company_name == "ACME Rockets"


def test_an_update_is_kept_and_announced(profiles, brand):
    patch = {
        "marketing_preferences": {"budget_range": {"min": Money(100, "USD"), "max": Money(900, "USD")}},
    }

    handlers.update_profile(profiles, CLOCK, brand, patch)

    stored = profiles.get(brand.id)
    assert stored.marketing_preferences.budget_range.max == Money(900, "USD")
    assert [event.changed for event in profiles.events] == [["marketing_preferences"]]


def test_an_update_that_meets_the_registration_keeps_both(profiles, brand, monkeypatch):
    save = profiles.save

    def overtaken(profile, events):
        monkeypatch.setattr(profiles, "save", save)
        handlers.start_profile(profiles, registered(brand.id))
        save(profile, events)

    monkeypatch.setattr(profiles, "save", overtaken)

    handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace"})

    stored = profiles.get(brand.id)
    assert (stored.industry, stored.company_name) == ("aerospace", "ACME Rockets")
    assert [event.changed for event in profiles.events] == [["industry"]]


def test_an_update_is_made_to_the_version_that_it_is_meant_for_and_to_no_other(profiles, brand):
    handlers.start_profile(profiles, registered(brand.id))
    version = profiles.get(brand.id).version
    meant_for = {"expected_versions": [version]}

    handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace", **meant_for})
    with pytest.raises(PreconditionFailed):
        handlers.update_profile(profiles, CLOCK, brand, {"industry": "toys", **meant_for})

    assert (profiles.get(brand.id).industry, profiles.get(brand.id).version) == ("aerospace", version + 1)


def test_an_update_that_is_overtaken_is_not_made_to_a_version_that_it_is_not_meant_for(
    profiles, brand, monkeypatch
):
    handlers.start_profile(profiles, registered(brand.id))
    version, save = profiles.get(brand.id).version, profiles.save

    def overtaken(profile, events):
        monkeypatch.setattr(profiles, "save", save)
        handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace"})
        save(profile, events)

    monkeypatch.setattr(profiles, "save", overtaken)

    with pytest.raises(PreconditionFailed):
        handlers.update_profile(
            profiles, CLOCK, brand, {"industry": "trains", "expected_versions": [version]}
        )

    assert profiles.get(brand.id).industry == "aerospace"


def test_an_update_that_loses_every_race_overwrites_nothing(profiles, brand, monkeypatch):
    def lost(profile, events):
        raise ConcurrentUpdate()

    handlers.start_profile(profiles, registered(brand.id))
    monkeypatch.setattr(profiles, "save", lost)

    with pytest.raises(ConcurrentUpdate):
        handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace"})


def test_the_same_update_twice_is_announced_once(profiles, brand):
    for _ in range(2):
        handlers.update_profile(profiles, CLOCK, brand, {"industry": "aerospace"})

    assert len(profiles.events) == 1
    assert profiles.get(brand.id).version == 2


def test_asking_for_verification_twice_is_announced_once(profiles, brand):
    for _ in range(2):
        profile = handlers.request_verification(profiles, CLOCK, brand)

    assert profile.verification_status == "pending"
    assert [event.type for event in profiles.events] == ["brand_verification_requested"]


def test_the_public_profile_of_nobody_is_not_found(profiles):
    with pytest.raises(BrandNotFound):
        handlers.public_profile(profiles, brand_id=new_id("brd"))


def test_the_public_profile_needs_no_token(profiles):
    known = acme()
    profiles.add(known)

    assert handlers.public_profile(profiles, brand_id=known.id) == known


@pytest.mark.parametrize(
    ("somebody", "refusal"),
    [
        (ANONYMOUS, Unauthenticated),
        (Principal(id="str_1", kind="streamer"), Forbidden),
        (Principal(id="adm_1", kind="admin"), Forbidden),
    ],
)
def test_only_a_brand_has_a_brands_profile(profiles, somebody, refusal):
    with pytest.raises(refusal):
        handlers.get_profile(profiles, CLOCK, somebody)
    with pytest.raises(refusal):
        handlers.update_profile(profiles, CLOCK, somebody, {"industry": "toys"})
    with pytest.raises(refusal):
        handlers.request_verification(profiles, CLOCK, somebody)


MANAGERS = frozenset({"profile:write"})
FINANCES = frozenset({"billing:read", "billing:write"})


def test_a_manager_changes_everything_but_the_billing_details(profiles, brand):
    manager = replace(brand, scopes=MANAGERS)

    changed = handlers.update_profile(profiles, CLOCK, manager, {"industry": "aerospace"})

    assert changed.industry == "aerospace"
    with pytest.raises(Forbidden):
        handlers.update_profile(
            profiles, CLOCK, manager, {"industry": "toys", "billing_info": {"tax_id": "US-2"}}
        )
    assert profiles.get(brand.id).industry == "aerospace"


def test_a_finance_changes_the_billing_details_alone(profiles, brand):
    finance = replace(brand, scopes=FINANCES)

    changed = handlers.update_profile(profiles, CLOCK, finance, {"billing_info": {"tax_id": "US-2"}})

    assert changed.billing_info.tax_id == "US-2"
    with pytest.raises(Forbidden):
        handlers.update_profile(profiles, CLOCK, finance, {"industry": "aerospace"})


def test_the_billing_details_are_hidden_from_whoever_may_not_read_them(brand):
    assert handlers.hidden_from(brand) == ()
    assert handlers.hidden_from(replace(brand, scopes=FINANCES)) == ()
    assert handlers.hidden_from(replace(brand, scopes=MANAGERS)) == ("billing_info",)
