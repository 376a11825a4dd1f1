from __future__ import annotations

import pytest
from marshmallow import ValidationError

from brand import schemas
from brand.tests.mothers import acme


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"id": "brd_1"}, "id"),
        ({"email": "another@acme.example"}, "email"),
        ({"verification_status": "verified"}, "verification_status"),
        ({"company_name": ""}, "company_name"),
        ({"company_name": "x" * 121}, "company_name"),
        ({"company_name": "two\nlines"}, "company_name"),
        ({"industry": {"$ne": None}}, "industry"),
        ({"billing_info": {"payment_methods": []}}, "billing_info"),
        ({"marketing_preferences": {"content_categories": ["x"] * 51}}, "marketing_preferences"),
        (
            {"marketing_preferences": {"budget_range": {"min": {"amount_minor": 1.5, "currency": "USD"}}}},
            "marketing_preferences",
        ),
    ],
)
def test_a_patch_that_may_not_be_is_refused_by_field(patch, field):
    with pytest.raises(ValidationError) as refused:
        schemas.UpdateProfile().load(patch)

    assert set(refused.value.normalized_messages()) == {field}


def test_what_a_profile_shows_can_be_sent_back_as_a_patch():
    shown = schemas.Profile().dump(acme())
    for name in ("id", "email", "verification_status", "created_at", "updated_at", "version"):
        del shown[name]
    # They have routes of their own.
    del shown["billing_info"]["payment_methods"]

    schemas.UpdateProfile().load(shown)


def test_the_public_part_shows_neither_address_nor_contact():
    assert set(schemas.PublicProfile().dump(acme())) == {
        "id",
        "company_name",
        "industry",
        "verification_status",
    }


def test_a_payment_method_is_shown_without_the_providers_reference():
    [shown] = schemas.Profile().dump(acme())["billing_info"]["payment_methods"]

    assert (shown["brand"], shown["last4"]) == ("visa", "4242")
    assert "reference" not in shown


@pytest.mark.parametrize(
    "reference",
    ["4242424242424242", "pm_4242424242424242", "pm_4242 4242 4242 4242", "../payouts", "pm_x/../y", ""],
)
def test_a_cards_number_or_a_path_is_no_reference(reference):
    with pytest.raises(ValidationError):
        schemas.AddPaymentMethod().load({"provider": "sandbox", "reference": reference})
