"""Members of brands' teams on a real broker; brand itself is a stub."""

from __future__ import annotations

import pytest

from chassis.errors import Error
from chassis.ids import new_id
from chassis.mongo import Mongo
from chassis.testing.fixtures import RecordingOutbox
from chassis.tokens import TokenVerifier
from identity.passwords import Argon2Passwords
from identity.service import IdentityService
from identity.storage import MongoAccounts
from identity.tests.mothers import GOOD_PASSWORD, acme, finn


class Team:
    """What brand says of who is in ACME's team."""

    def __init__(self) -> None:
        self.memberships = []

    def answer(self, request):
        return {"memberships": self.memberships}


@pytest.fixture
def team(stub_service):
    said = Team()
    stub_service("brand", memberships=said.answer)
    return said


@pytest.fixture
def identity(run_service, rpc, team):
    run_service(IdentityService)
    return rpc("identity")


@pytest.fixture
def member(identity, settings_env, team):
    """Finn, who is the finance of ACME."""
    mongo = Mongo(settings_env["MONGO_URI"], f"{settings_env['DATABASE_PREFIX']}identity")
    hashed = Argon2Passwords(frozenset()).hash(GOOD_PASSWORD)
    account = finn(password_hash=hashed)
    MongoAccounts(mongo, RecordingOutbox()).add(account, [])
    team.memberships = [{"brand_id": new_id("brd"), "role": "finance"}]
    yield account
    mongo.close()


@pytest.fixture
def verifier(identity):
    return TokenVerifier(lambda: identity.jwks({}), "gametriggers", "gametriggers-api")


def login(identity):
    return identity.login_member({"email": "finn@acme.example", "password": GOOD_PASSWORD})


def refused(call, request):
    with pytest.raises(Error) as raised:
        call(request)
    return raised.value


def test_a_member_signs_in_for_the_brand_and_goes_on_in_the_role_of_now(identity, member, team, verifier):
    signed_in = login(identity)
    team.memberships[0]["role"] = "viewer"
    refreshed = identity.refresh({"refresh_token": signed_in["refresh_token"]})

    by = verifier.verify(signed_in["access_token"])
    assert (by.id, by.kind, by.actor_id) == (team.memberships[0]["brand_id"], "brand", member.id)
    assert by.delegate.role == "finance"
    assert by.has("wallet:write")
    assert not by.has("campaigns:write")
    assert signed_in["account"]["kind"] == "member"
    assert refreshed["membership"]["role"] == "viewer"
    assert not verifier.verify(refreshed["access_token"]).has("wallet:write")


@pytest.mark.parametrize("type", ["team_role_changed", "team_member_removed"])
def test_what_changes_in_the_team_ends_the_members_sessions(
    identity, member, team, publish_event, capture_events, type
):
    events = capture_events("identity", "session_revoked")
    signed_in = login(identity)
    brand_id = team.memberships[0]["brand_id"]

    publish_event("brand", type, {"member_id": member.id, "brand_id": brand_id})

    sid = signed_in["refresh_token"].partition(".")[0]
    assert events.wait_for("session_revoked").data["sid"] == sid
    assert [session["sid"] for session in identity.revoked_sessions({})["items"]] == [sid]
    assert refused(identity.refresh, {"refresh_token": signed_in["refresh_token"]}).status == 401


def test_a_member_has_sessions_of_their_own_and_none_of_the_brands(identity, member, team, rpc):
    brand = identity.register_brand(acme())
    team.memberships[0]["brand_id"] = brand["account"]["id"]
    mine = rpc("identity", token=login(identity)["access_token"])
    [brands_session] = rpc("identity", token=brand["access_token"]).list_sessions({})["items"]

    [session] = mine.list_sessions({})["items"]
    refusal = refused(mine.revoke_session, {"sid": brands_session["sid"]})
    mine.logout({})

    assert session["current"]
    assert (refusal.code, refusal.status) == ("identity.session_not_found", 404)
    assert identity.refresh({"refresh_token": brand["refresh_token"]})
    assert refused(mine.list_api_keys, {}).status == 403


def test_who_is_in_no_team_does_not_sign_in(identity, member, team):
    team.memberships = []

    error = refused(identity.login_member, {"email": "finn@acme.example", "password": GOOD_PASSWORD})

    assert (error.code, error.status) == ("identity.no_membership", 403)


def test_a_member_of_two_teams_is_asked_for_which(identity, member, team):
    team.memberships.append({"brand_id": new_id("brd"), "role": "viewer"})

    error = refused(identity.login_member, {"email": "finn@acme.example", "password": GOOD_PASSWORD})

    assert (error.code, error.status) == ("identity.choose_brand", 409)
    assert error.extra["brands"] == [each["brand_id"] for each in team.memberships]


def test_an_operator_is_told_what_a_member_may_do(identity, member, team, rpc):
    brand_id = team.memberships[0]["brand_id"]
    question = {
        "principal_id": member.id,
        "action": "campaign.edit",
        "resource": {"kind": "campaign", "owner": brand_id, "state": "draft"},
    }

    decision = rpc("identity", user="operator").explain_to_operator(question)

    assert (decision["allowed"], decision["reason"]) == (False, "finance is not among owner, manager")
