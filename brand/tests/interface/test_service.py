"""The real container on a real broker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from brand.service import BrandService
from brand.tests.mothers import OWNERS_SCOPES, registration
from chassis.errors import Error
from chassis.ids import new_id
from chassis.testing import eventually


@pytest.fixture
def brand_id():
    return new_id("brd")


@pytest.fixture
def brand(run_service, rpc, tokens, brand_id):
    """Brand's RPCs with ACME's token."""
    run_service(BrandService)
    return rpc("brand", token=tokens.issue("brand", brand_id, OWNERS_SCOPES))


def test_a_registration_becomes_a_profile(brand, brand_id, publish_event):
    publish_event("identity", "brand_registered", registration(brand_id), subject=brand_id)

    profile = eventually(lambda: named(brand.get_profile({})))

    assert profile["id"] == brand_id
    assert profile["email"] == "ads@acme.example"
    assert profile["contact_person"]["name"] == "Wile E."
    assert profile["billing_info"] == {"address": "", "tax_id": "", "payment_methods": []}
    assert profile["verification_status"] == "unverified"


def test_a_registration_that_arrives_twice_changes_a_profile_once(brand, brand_id, publish_event):
    arrived = publish_event("identity", "brand_registered", registration(brand_id), subject=brand_id)
    eventually(lambda: named(brand.get_profile({})))
    brand.update_profile({"industry": "aerospace"})

    publish_event("identity", "brand_registered", registration(brand_id), id=arrived, subject=brand_id)
    another = new_id("brd")
    publish_event("identity", "brand_registered", registration(another), subject=another)
    eventually(lambda: brand.public_profile({"brand_id": another}))

    assert brand.get_profile({})["industry"] == "aerospace"


def test_a_token_may_arrive_before_the_registration(brand, brand_id, publish_event):
    blank = brand.update_profile({"company_name": "ACME Rockets and Sons"})

    publish_event("identity", "brand_registered", registration(brand_id), subject=brand_id)
    profile = eventually(lambda: filled(brand.get_profile({})))

    assert blank["email"] == ""
    assert profile["company_name"] == "ACME Rockets and Sons"
    assert profile["industry"] == "toys"


def test_an_update_is_answered_kept_and_published(brand, brand_id, capture_events):
    events = capture_events("brand", "brand_profile_updated")
    preferences = {
        "target_demographics": ["18-24"],
        "content_categories": ["racing"],
        "budget_range": {
            "min": {"amount_minor": 10_000, "currency": "USD"},
            "max": {"amount_minor": 50_000, "currency": "USD"},
        },
    }

    updated = brand.update_profile(
        {"billing_info": {"address": "1 Desert Road\nTucson"}, "marketing_preferences": preferences}
    )

    assert updated["marketing_preferences"] == preferences
    assert brand.get_profile({})["marketing_preferences"] == preferences
    event = events.wait_for("brand_profile_updated")
    assert event.subject == brand_id
    assert event.data["changed"] == ["billing_info", "marketing_preferences"]


def test_a_request_for_verification_is_published(brand, brand_id, capture_events):
    events = capture_events("brand", "brand_verification_requested")

    profile = brand.request_verification({})

    assert profile["verification_status"] == "pending"
    assert events.wait_for("brand_verification_requested").data == {"brand_id": brand_id}


def test_a_manager_does_not_see_the_billing_details(brand, brand_id, rpc, tokens):
    brand.update_profile({"billing_info": {"tax_id": "US-1"}})
    token = tokens.issue(
        "brand", new_id("mem"), ["profile:write"], acts_for=brand_id, sub_kind="member", role="manager"
    )
    manager = rpc("brand", token=token)

    seen, changed = manager.get_profile({}), manager.update_profile({"industry": "aerospace"})

    assert brand.get_profile({})["billing_info"] == {"address": "", "tax_id": "US-1", "payment_methods": []}
    assert "billing_info" not in seen | changed
    with pytest.raises(Error) as refused:
        manager.update_profile({"billing_info": {"tax_id": "US-2"}})
    assert refused.value.status == 403


def test_a_payment_method_is_asked_of_payment_kept_and_forgotten(brand, stub_service):
    described = {"type": "card", "brand": "visa", "last4": "4242", "expires": "2034-12"}
    payment = stub_service("payment", describe_payment_method=lambda request: described)

    added = brand.add_payment_method({"provider": "sandbox", "reference": "pm_card_visa"})
    shown = brand.get_profile({})["billing_info"]["payment_methods"]
    brand.remove_payment_method({"payment_method_id": added["id"]})

    assert payment.calls["describe_payment_method"] == [{"provider": "sandbox", "reference": "pm_card_visa"}]
    assert shown == [added]
    assert described.items() <= added.items()
    assert brand.get_profile({})["billing_info"]["payment_methods"] == []


def test_strangers_see_the_public_part_alone(brand, brand_id, rpc):
    brand.update_profile({"company_name": "ACME Rockets", "billing_info": {"tax_id": "US-1"}})

    seen = rpc("brand", user="campaign").public_profile({"brand_id": brand_id})

    assert seen == {
        "id": brand_id,
        "company_name": "ACME Rockets",
        "industry": "",
        "verification_status": "unverified",
    }


def test_nobody_is_not_found(brand):
    with pytest.raises(Error) as refused:
        brand.public_profile({"brand_id": new_id("brd")})

    assert (refused.value.code, refused.value.status) == ("brand.not_found", 404)


def test_a_patch_that_may_not_be_is_refused_by_field(brand):
    limits = {"min": {"amount_minor": 2, "currency": "USD"}, "max": {"amount_minor": 1, "currency": "USD"}}

    with pytest.raises(Error) as privileged:
        brand.update_profile({"verification_status": "verified"})
    with pytest.raises(Error) as senseless:
        brand.update_profile({"marketing_preferences": {"budget_range": limits}})

    assert (privileged.value.status, senseless.value.status) == (422, 422)
    assert set(privileged.value.extra["errors"]) == {"verification_status"}
    assert set(senseless.value.extra["errors"]) == {"marketing_preferences"}


def test_a_streamer_and_nobody_have_no_brand_profile(brand, rpc, tokens):
    with pytest.raises(Error) as forbidden:
        rpc("brand", token=tokens.issue("streamer", new_id("str"))).get_profile({})
    with pytest.raises(Error) as unauthenticated:
        rpc("brand").get_profile({})

    assert forbidden.value.status == 403
    assert unauthenticated.value.status == 401


def test_only_the_gateway_calls_for_the_owner(brand, rpc, tokens, brand_id):
    with pytest.raises(Error) as refused:
        rpc("brand", token=tokens.issue("brand", brand_id), user="campaign").get_profile({})

    assert refused.value.status == 403


def named(profile):
    return profile if profile["company_name"] else None


def filled(profile):
    return profile if profile["email"] else None


def test_of_two_changes_that_were_meant_for_one_version_one_is_made(brand, brand_id):
    version = brand.get_profile({})["version"]

    def change(industry: str) -> str:
        try:
            brand.update_profile({"industry": industry, "expected_versions": [version]})
        except Error as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(change, [f"industry {number}" for number in range(8)]))

    assert found == ["made"] + ["precondition_failed"] * 7
    assert brand.get_profile({})["version"] == version + 1
