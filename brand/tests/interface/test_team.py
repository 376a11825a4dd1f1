"""A brand's team over the real broker."""

from __future__ import annotations

import eventlet
import pytest

from brand.service import BrandService
from brand.tests.mothers import OWNERS_SCOPES
from chassis.errors import Error
from chassis.ids import new_id

VERA = "vera@acme.example"


@pytest.fixture
def brand_id():
    return new_id("brd")


@pytest.fixture
def owner(run_service, rpc, tokens, brand_id):
    """Brand's RPCs with the owner's token."""
    run_service(BrandService)
    return rpc("brand", token=tokens.issue("brand", brand_id, OWNERS_SCOPES))


@pytest.fixture
def identity(owner, rpc):
    """Brand's RPCs as identity calls them."""
    return rpc("brand", user="identity")


def refused(call, request):
    with pytest.raises(Error) as raised:
        call(request)
    return raised.value


def join(identity, brand_id, invitation, member_id):
    return identity.join_team(
        {
            "brand_id": brand_id,
            "invitation_id": invitation["id"],
            "member_id": member_id,
            "email": invitation["email"],
            "name": "Vera",
        }
    )


def test_an_invited_person_joins_and_may_act_for_the_brand(owner, identity, brand_id, capture_events):
    events = capture_events("brand", "team_member_invited", "team_member_joined")
    vera = new_id("mem")

    owner.update_profile({"company_name": "ACME Rockets"})
    invited = owner.invite({"email": VERA, "role": "viewer"})
    asked = identity.invitation({"brand_id": brand_id, "invitation_id": invited["id"]})
    membership = join(identity, brand_id, invited, vera)

    assert (invited["status"], invited["email"], invited["role"]) == ("invited", VERA, "viewer")
    assert asked == {"email": VERA, "role": "viewer", "company_name": "ACME Rockets"}
    assert membership == {"brand_id": brand_id, "role": "viewer"}
    assert identity.memberships({"member_id": vera}) == {"memberships": [membership]}
    assert events.wait_for("team_member_invited").data["invitation_id"] == invited["id"]
    joined = events.wait_for("team_member_joined").data
    assert (joined["brand_id"], joined["member_id"], joined["role"]) == (brand_id, vera, "viewer")
    assert VERA not in str([event.data for event in events.all()])


def test_a_role_is_changed_and_taken_away(owner, identity, brand_id, capture_events):
    events = capture_events("brand", "team_role_changed", "team_member_removed")
    vera = new_id("mem")
    join(identity, brand_id, owner.invite({"email": VERA, "role": "viewer"}), vera)

    changed = owner.change_role({"member_id": vera, "role": "approver"})
    owner.remove_member({"member_id": vera})

    assert (changed["name"], changed["role"]) == ("Vera", "approver")
    assert events.wait_for("team_role_changed").data["role"] == "approver"
    assert events.wait_for("team_member_removed").data["member_id"] == vera
    assert identity.memberships({"member_id": vera}) == {"memberships": []}
    assert [person["id"] for person in owner.list_team({})["items"]] == [brand_id]


def test_a_member_leaves_by_their_own_token_and_the_brands_account_does_not(
    owner, identity, brand_id, capture_events, rpc, tokens
):
    events, vera = capture_events("brand", "team_member_removed"), new_id("mem")
    join(identity, brand_id, owner.invite({"email": VERA, "role": "viewer"}), vera)
    acting = {"acts_for": brand_id, "sub_kind": "member", "role": "viewer"}
    member = rpc("brand", token=tokens.issue("brand", vera, ["team:read"], **acting))

    member.leave_team({})

    assert identity.memberships({"member_id": vera})["memberships"] == []
    left = events.wait_for("team_member_removed")
    assert (left.data["member_id"], left.data["left"], left.actor) == (vera, True, vera)
    assert refused(owner.leave_team, {}).code == "brand.last_owner"


def test_a_fourth_invitation_in_a_day_is_not_mailed(owner):
    for _ in range(3):
        owner.invite({"email": VERA, "role": "viewer"})

    refusal = refused(owner.invite, {"email": VERA.upper(), "role": "viewer"})

    assert (refusal.status, refusal.code) == (429, "brand.too_many_invitations")
    assert 86_000 < refusal.extra["retry_after"] <= 86_400


def test_a_withdrawn_invitation_cannot_be_accepted(owner, identity, brand_id):
    invited = owner.invite({"email": VERA, "role": "viewer"})
    owner.withdraw_invitation({"invitation_id": invited["id"]})

    with pytest.raises(Error) as raised:
        join(identity, brand_id, invited, new_id("mem"))

    assert (raised.value.code, raised.value.status) == ("brand.invitation_not_found", 404)


def test_of_many_who_accept_one_invitation_at_once_one_joins(owner, identity, brand_id):
    invited = owner.invite({"email": VERA, "role": "viewer"})

    def attempt():
        try:
            return join(identity, brand_id, invited, new_id("mem"))["role"]
        except Error as error:
            return error.code

    attempts = [eventlet.spawn(attempt) for _ in range(3)]
    outcomes = sorted(each.wait() for each in attempts)

    assert outcomes == ["brand.invitation_not_found", "brand.invitation_not_found", "viewer"]
    assert len(owner.list_team({})["items"]) == 2


def test_the_account_itself_cannot_be_taken_out(owner, brand_id):
    removed = refused(owner.remove_member, {"member_id": brand_id})
    demoted = refused(owner.change_role, {"member_id": brand_id, "role": "viewer"})

    assert (removed.code, demoted.code) == ("brand.last_owner", "brand.last_owner")
    assert (removed.status, demoted.status) == (409, 409)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("invite", {"email": VERA, "role": "admin"}),
        ("invite", {"email": "not an address", "role": "viewer"}),
        ("invite", {"email": {"$ne": None}, "role": "viewer"}),
        ("invite", {"email": VERA, "role": "viewer", "member_id": "mem_1"}),
        ("change_role", {"member_id": "adm_1", "role": "viewer"}),
        ("change_role", {"member_id": {"$ne": None}, "role": "viewer"}),
        ("withdraw_invitation", {"invitation_id": "inv_01jd2e7z5pf3rs8w6r8q6v2k1x"}),
    ],
)
def test_what_cannot_be_is_refused_by_field(owner, method, request_):
    assert refused(getattr(owner, method), request_).status == 422


@pytest.mark.parametrize("method", ["invitation", "join_team", "memberships"])
def test_only_identity_asks_who_is_in_a_team(owner, rpc, method):
    for user in ("gateway", "campaign"):
        assert refused(getattr(rpc("brand", user=user), method), {}).code == "rpc.caller_not_allowed"


@pytest.mark.parametrize("method", ["list_team", "invite", "change_role", "remove_member"])
def test_a_team_is_nobodys_without_a_brands_token(owner, rpc, tokens, method):
    streamer = rpc("brand", token=tokens.issue("streamer", new_id("str"), OWNERS_SCOPES))
    requests = {
        "list_team": {},
        "invite": {"email": VERA, "role": "viewer"},
        "change_role": {"member_id": new_id("mem"), "role": "viewer"},
        "remove_member": {"member_id": new_id("mem")},
    }

    assert refused(getattr(rpc("brand"), method), requests[method]).status == 401
    assert refused(getattr(streamer, method), requests[method]).status == 403
