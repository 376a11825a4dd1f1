"""Members of brands' teams on a real broker; brand itself is a stub."""

from __future__ import annotations

import pytest

from chassis.errors import Error, NotFound
from chassis.ids import new_id
from chassis.mongo import Mongo
from chassis.testing.fixtures import RecordingOutbox
from chassis.tokens import TokenVerifier
from identity.passwords import Argon2Passwords
from identity.service import IdentityService
from identity.storage import MongoAccounts
from identity.tests.mothers import GOOD_PASSWORD, acme, finn

VERA = "vera@acme.example"


class Team:
    """What brand says of ACME's team, to which Vera is invited."""

    def __init__(self) -> None:
        self.memberships = []
        self.is_open = True

    def said(self, request):
        return {"memberships": self.memberships}

    def invitation(self, request):
        if not self.is_open:
            raise NotFound()
        return {"email": VERA, "role": "viewer", "company_name": "ACME Rockets"}

    def join(self, request):
        self.joined = request
        self.memberships = [{"brand_id": request["brand_id"], "role": "viewer"}]
        return self.memberships[0]


@pytest.fixture
def team(stub_service):
    team = Team()
    stub_service("brand", memberships=team.said, invitation=team.invitation, join_team=team.join)
    return team


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
def invited(identity, publish_event, capture_events, rpc):
    """The token in Vera's mail, and what else stands there."""
    events = capture_events("identity", "team_invitation_requested")
    data = {"brand_id": new_id("brd"), "invitation_id": new_id("ivt")}
    publish_event("brand", "team_member_invited", data)
    link_id = events.wait_for("team_invitation_requested").data["link_id"]
    mail = rpc("identity", user="notification").mail_link({"link_id": link_id})
    return data | mail | {"token": mail["url"].partition("#token=")[2]}


@pytest.fixture
def verifier(identity):
    return TokenVerifier(lambda: identity.jwks({}), "gametriggers", "gametriggers-api")


def login(identity):
    return identity.login_member({"email": "finn@acme.example", "password": GOOD_PASSWORD})


def accept(identity, invited, **changes):
    form = {"token": invited["token"], "password": GOOD_PASSWORD, "name": "Vera"}
    return identity.accept_invitation(form | changes)


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


def test_an_invited_person_registers_with_the_mailed_link_and_signs_in_again(
    identity, team, invited, verifier, capture_events
):
    events = capture_events("identity", "member_registered")

    signed_in = accept(identity, invited)
    again = identity.login_member({"email": VERA, "password": GOOD_PASSWORD})

    account = signed_in["account"]
    assert (invited["email"], invited["company_name"]) == (VERA, "ACME Rockets")
    assert (account["kind"], account["email"], account["email_verified"]) == ("member", VERA, True)
    assert team.joined == {
        "brand_id": invited["brand_id"],
        "invitation_id": invited["invitation_id"],
        "member_id": account["id"],
        "email": VERA,
        "name": "Vera",
    }
    for token in (signed_in["access_token"], again["access_token"]):
        by = verifier.verify(token)
        assert (by.id, by.actor_id, by.delegate.role) == (invited["brand_id"], account["id"], "viewer")
    assert events.wait_for("member_registered").data == {
        "account_id": account["id"],
        "email": VERA,
        "display_name": "Vera",
    }


def test_a_link_opens_the_team_once(identity, invited):
    accept(identity, invited)

    again = refused(lambda token: accept(identity, invited, token=token), invited["token"])
    forged = refused(lambda token: accept(identity, invited, token=token), "x" * 43)

    assert (again.code, again.status) == ("identity.link_not_valid", 410)
    assert again.to_wire() == forged.to_wire()


def test_an_invitation_that_is_withdrawn_opens_nothing(identity, team, invited):
    team.is_open = False

    assert refused(lambda _: accept(identity, invited), None).status == 404
    assert refused(identity.login_member, {"email": VERA, "password": GOOD_PASSWORD}).status == 401


def test_an_invitation_that_is_told_of_twice_makes_one_link(identity, publish_event, capture_events):
    events = capture_events("identity", "team_invitation_requested")
    data = {"brand_id": new_id("brd"), "invitation_id": new_id("ivt")}
    sent = publish_event("brand", "team_member_invited", data)
    publish_event("brand", "team_member_invited", data, id=sent)
    other = data | {"invitation_id": new_id("ivt")}
    publish_event("brand", "team_member_invited", other)

    for invitation in (data["invitation_id"], other["invitation_id"]):
        events.wait_for(
            "team_invitation_requested", where=lambda told, own=invitation: told["invitation_id"] == own
        )

    told = [event.data["invitation_id"] for event in events.all()]
    assert sorted(set(told)) == sorted([data["invitation_id"], other["invitation_id"]])
    assert len({event.data["link_id"] for event in events.all()}) == 2


def test_no_address_of_who_is_invited_is_stored(identity, invited, settings_env):
    mongo = Mongo(settings_env["MONGO_URI"], f"{settings_env['DATABASE_PREFIX']}identity")

    everything = str([list(mongo[name].find()) for name in ("links", "events", "accounts")])

    mongo.close()
    assert invited["invitation_id"] in everything
    assert VERA not in everything
    assert invited["token"] not in everything
