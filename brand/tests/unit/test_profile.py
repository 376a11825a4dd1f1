from __future__ import annotations

from datetime import timedelta

import pytest

from brand.domain.profile import NO_CONTACT, BudgetRange, Profile
from brand.events import BrandProfileUpdated, BrandVerificationRequested
from brand.tests.mothers import MONDAY, WILE, acme
from chassis.errors import ValidationFailed
from chassis.money import Money

TUESDAY = MONDAY + timedelta(days=1)


def test_a_patch_changes_what_it_names_and_nothing_else():
    profile = acme()

    profile.update({"contact_person": {"phone": "+1 555 0199"}, "industry": "aerospace"}, TUESDAY)

    assert profile.industry == "aerospace"
    assert profile.contact_person.phone == "+1 555 0199"
    assert profile.contact_person.name == "Wile E."
    assert profile.company_name == "ACME Rockets"
    assert profile.updated_at == TUESDAY


def test_a_change_tells_which_fields_changed_and_what_is_public_now():
    profile = acme()

    events = profile.update({"industry": "aerospace", "billing_info": {"tax_id": "US-2"}}, TUESDAY)

    assert events == [
        BrandProfileUpdated(
            brand_id=profile.id,
            company_name="ACME Rockets",
            industry="aerospace",
            contact_person=WILE,
            changed=["billing_info", "industry"],
        )
    ]


def test_an_event_never_carries_billing_details():
    profile = acme()

    events = profile.update({"billing_info": {"tax_id": "a secret number"}}, TUESDAY)

    assert "a secret number" not in str(events[0].to_data())


@pytest.mark.parametrize("patch", [{}, {"industry": "toys"}, {"contact_person": {"name": "Wile E."}}])
def test_a_patch_that_changes_nothing_says_nothing(patch):
    profile = acme()

    events = profile.update(patch, TUESDAY)

    assert events == []
    assert profile.updated_at == MONDAY


def test_a_list_is_replaced_as_a_whole():
    profile = acme()

    profile.update({"marketing_preferences": {"content_categories": ["chess"]}}, TUESDAY)

    assert profile.marketing_preferences.content_categories == ["chess"]
    assert profile.marketing_preferences.target_demographics == ["18-24"]


def test_a_budget_range_can_be_taken_back():
    profile = acme()

    profile.update({"marketing_preferences": {"budget_range": None}}, TUESDAY)

    assert profile.marketing_preferences.budget_range is None


@pytest.mark.parametrize(
    ("minimum", "maximum"), [(Money(2, "USD"), Money(1, "USD")), (Money(1, "USD"), Money(2, "EUR"))]
)
def test_a_budget_range_without_sense_is_refused(minimum, maximum):
    with pytest.raises(ValidationFailed):
        BudgetRange(min=minimum, max=maximum)


def test_a_registration_fills_a_blank_profile():
    profile = Profile.blank("brd_1", MONDAY)

    profile.fill_in("ads@acme.example", "ACME Rockets", "toys", WILE)

    assert profile.email == "ads@acme.example"
    assert profile.company_name == "ACME Rockets"
    assert profile.contact_person == WILE


def test_a_late_registration_does_not_undo_what_the_brand_has_said_since():
    profile = Profile.blank("brd_1", MONDAY)
    profile.update({"company_name": "ACME Rockets and Sons"}, TUESDAY)

    profile.fill_in("ads@acme.example", "ACME Rockets", "toys", WILE)

    assert profile.company_name == "ACME Rockets and Sons"
    assert profile.industry == "toys"
    assert profile.contact_person != NO_CONTACT


@pytest.mark.parametrize("status", ["unverified", "rejected"])
def test_asking_for_verification_makes_it_pending(status):
    profile = acme(verification_status=status)

    events = profile.request_verification(TUESDAY)

    assert profile.verification_status == "pending"
    assert events == [BrandVerificationRequested(brand_id=profile.id)]


@pytest.mark.parametrize("status", ["pending", "verified"])
def test_asking_for_verification_again_changes_nothing(status):
    profile = acme(verification_status=status)

    events = profile.request_verification(TUESDAY)

    assert profile.verification_status == status
    assert events == []
