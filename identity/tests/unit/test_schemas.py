from __future__ import annotations

import pytest
from marshmallow import ValidationError

from identity import schemas
from identity.tests.mothers import acme


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "admin"}, "kind"),
        ({"id": "brd_1"}, "id"),
        ({"email": "no address"}, "email"),
        ({"email": {"$ne": None}}, "email"),
        ({"email": "x" * 250 + "@acme.example"}, "email"),
        ({"email": '"a\x0bb"@acme.example'}, "email"),
        ({"password": ["a lamp in the attic"]}, "password"),
        ({"password": "x" * 513}, "password"),
        ({"company_name": "  "}, "company_name"),
        ({"contact_person": {"name": "Wile E."}}, "contact_person"),
        ({"address": "not an address"}, "address"),
        ({"address": "fe80::1%eth0"}, "address"),
    ],
)
def test_a_registration_that_may_not_be_is_refused_by_field(changes, field):
    with pytest.raises(ValidationError) as refused:
        schemas.RegisterBrandCall().load(acme(**changes))

    assert set(refused.value.normalized_messages()) == {field}


@pytest.mark.parametrize("address", [None, "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"])
def test_an_address_is_ipv4_ipv6_or_unknown(address):
    assert schemas.RegisterBrandCall().load(acme(address=address))["address"] == address


def test_a_client_does_not_say_its_own_address_or_kind():
    body = {"email": "ads@acme.example", "password": "a lamp in the attic"}

    with pytest.raises(ValidationError) as refused:
        schemas.Login().load(body | {"address": "203.0.113.7", "kind": "admin"})

    assert set(refused.value.normalized_messages()) == {"address", "kind"}


@pytest.mark.parametrize("kind", ["robot", "", None, ["brand"]])
def test_only_known_kinds_sign_in(kind):
    with pytest.raises(ValidationError):
        schemas.LoginCall().load(
            {"kind": kind, "email": "ads@acme.example", "password": "a lamp in the attic"}
        )


def test_a_password_is_never_answered():
    assert "password" not in schemas.RegisterBrand().dump(acme())
