from __future__ import annotations

import jwt
import pytest

from chassis.errors import Forbidden, Unauthenticated
from chassis.principal import Delegate, Principal
from chassis.testing.services import Tokens
from chassis.tokens import TokenVerifier


def verified(**claims):
    issued = Tokens()
    token = issued.issue("brand", "mem_1", ["campaigns:read"], **claims)
    return TokenVerifier(issued.jwks, "gametriggers", "gametriggers-api").verify(token)


def test_whoever_acts_for_an_account_owns_what_the_account_owns():
    member = verified(acts_for="brd_1", sub_kind="member", role="viewer")

    assert (member.id, member.kind) == ("brd_1", "brand")
    assert member.owns("brd_1")
    assert not member.owns("mem_1")


def test_the_audit_trail_names_the_one_who_acts():
    assert verified(acts_for="brd_1", sub_kind="member").actor_id == "mem_1"
    assert Principal("brd_1", "brand").actor_id == "brd_1"


def test_an_administrator_who_acts_as_an_account_is_the_actor_of_its_token():
    account = verified(sub="brd_1", act={"sub": "adm_ada", "kind": "admin"})

    assert (account.id, account.kind, account.actor_id) == ("brd_1", "brand", "adm_ada")
    assert account.owns("brd_1")
    assert account.in_person().id == "adm_ada"


def test_in_person_a_delegate_owns_nothing_of_the_accounts():
    member = verified(acts_for="brd_1", sub_kind="member", role="viewer")

    person = member.in_person()

    assert member.delegate == Delegate("mem_1", "member", "viewer")
    assert (person.id, person.kind) == ("mem_1", "member")
    assert not person.owns("brd_1")


def test_an_account_that_acts_for_itself_is_itself_in_person():
    brand = Principal("brd_1", "brand")

    assert brand.in_person() == brand


def test_a_member_may_what_the_tokens_scopes_say_and_no_more():
    member = verified(acts_for="brd_1", sub_kind="member", role="viewer")

    member.must_have("campaigns:read")
    assert not member.has("campaigns:write")
    with pytest.raises(Forbidden):
        member.must_have("campaigns:write")


def test_a_delegates_token_has_the_audience_of_delegates_and_not_that_of_the_account():
    issued = Tokens()
    verifier = TokenVerifier(issued.jwks, "gametriggers", "gametriggers-api")
    delegate = {"acts_for": "brd_1", "sub_kind": "member", "role": "viewer"}
    own = issued.issue("brand", "mem_1", **delegate)
    brands = issued.issue("brand", "mem_1", aud="gametriggers-api/brand", **delegate)

    assert jwt.decode(own, options={"verify_signature": False})["aud"] == "gametriggers-api/member"
    assert verifier.verify(own).id == "brd_1"
    with pytest.raises(Unauthenticated):
        verifier.verify(brands)
