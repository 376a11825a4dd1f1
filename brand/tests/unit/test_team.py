from __future__ import annotations

from datetime import timedelta

import pytest

from brand.domain.team import (
    MOST_INVITATIONS,
    MOST_PEOPLE,
    AlreadyMember,
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    Team,
    TeamIsFull,
    TooManyInvitations,
    address_hash,
)
from brand.tests.mothers import MONDAY, team_of
from chassis.ids import new_id

ACME = "brd_01jd2e7z5pf3rs8w6r8q6v2k1m"
VERA = "vera@acme.example"
THURSDAY = MONDAY + timedelta(hours=72)


@pytest.fixture
def team():
    """Finn is in the team, and Vera is invited."""
    team = team_of(ACME, finn="finance")
    team.invite("ivt_vera", VERA, "viewer", MONDAY)
    return team


def finn_of(team):
    [finn] = [member for member in team.members if member.name == "Finn"]
    return finn


def test_a_teams_events_have_an_id_of_their_own(team):
    [left] = team.remove(finn_of(team).id)

    assert (left.aggregate_id, left.brand_id) == ("team_01jd2e7z5pf3rs8w6r8q6v2k1m", ACME)


def test_an_invitation_tells_no_address(team):
    _, [event] = team.invite("ivt_max", "max@acme.example", "manager", MONDAY)

    assert event.to_data() == {
        "team_id": team.id,
        "brand_id": ACME,
        "invitation_id": "ivt_max",
        "role": "manager",
        "expires_at": "2026-11-26T09:00:00.000000Z",
    }


def test_who_accepts_is_a_member_in_the_role_of_the_invitation(team):
    [event] = team.join("ivt_vera", "mem_vera", "Vera@ACME.example ", "Vera", MONDAY)

    vera = team.member("mem_vera")
    assert (vera.email, vera.name, vera.role) == (VERA, "Vera", "viewer")
    assert (event.type, event.member_id, event.role) == ("team_member_joined", "mem_vera", "viewer")
    assert team.open_invitations(MONDAY) == []


def test_the_same_member_may_accept_again_and_nothing_happens(team):
    team.join("ivt_vera", "mem_vera", VERA, "Vera", MONDAY)

    assert team.join("ivt_vera", "mem_vera", VERA, "Vera", THURSDAY) == []


def test_nobody_else_accepts_an_invitation_that_was_accepted(team):
    team.join("ivt_vera", "mem_vera", VERA, "Vera", MONDAY)

    with pytest.raises(InvitationNotFound):
        team.join("ivt_vera", "mem_mallory", VERA, "Mallory", MONDAY)


def test_an_account_with_another_address_does_not_accept(team):
    with pytest.raises(InvitationNotFound):
        team.join("ivt_vera", "mem_mallory", "mallory@elsewhere.example", "Mallory", MONDAY)


def test_an_invitation_is_open_for_72_hours(team):
    last_moment = THURSDAY - timedelta(milliseconds=1)

    assert team.open_invitation("ivt_vera", last_moment)
    with pytest.raises(InvitationNotFound):
        team.join("ivt_vera", "mem_vera", VERA, "Vera", THURSDAY)
    with pytest.raises(InvitationNotFound):
        team.withdraw("ivt_vera", THURSDAY)


def test_a_withdrawn_invitation_is_not_accepted(team):
    [event] = team.withdraw("ivt_vera", MONDAY)

    assert (event.type, event.invitation_id) == ("team_invitation_withdrawn", "ivt_vera")
    with pytest.raises(InvitationNotFound):
        team.join("ivt_vera", "mem_vera", VERA, "Vera", MONDAY)


def test_a_newer_invitation_of_an_address_takes_the_place_of_the_older(team):
    team.invite("ivt_again", VERA.upper(), "approver", MONDAY)

    assert [each.id for each in team.open_invitations(MONDAY)] == ["ivt_again"]
    with pytest.raises(InvitationNotFound):
        team.join("ivt_vera", "mem_vera", VERA, "Vera", MONDAY)


def test_who_is_in_the_team_is_not_invited(team):
    with pytest.raises(AlreadyMember):
        team.invite("ivt_2", "Finn@acme.example", "manager", MONDAY)


def test_a_member_does_not_join_twice(team):
    with pytest.raises(AlreadyMember):
        team.join("ivt_vera", finn_of(team).id, VERA, "Finn", MONDAY)


def test_a_team_is_bounded_and_expired_invitations_do_not_count():
    team = Team(brand_id=ACME)
    for number in range(MOST_PEOPLE):
        at = MONDAY if number >= MOST_INVITATIONS else MONDAY - timedelta(days=1)
        team.invite(f"ivt_{number}", f"{number}@acme.example", "viewer", at)

    with pytest.raises(TeamIsFull):
        team.invite("ivt_x", "one.more@acme.example", "viewer", MONDAY)
    team.invite("ivt_x", "one.more@acme.example", "viewer", THURSDAY)
    assert len(team.invitations) == 1


def test_a_brand_invites_so_many_in_a_day_withdrawn_ones_among_them():
    team = Team(brand_id=ACME)
    for number in range(MOST_INVITATIONS):
        invitation, _ = team.invite(f"ivt_{number}", f"{number}@acme.example", "viewer", MONDAY)
        team.withdraw(invitation.id, MONDAY)

    with pytest.raises(TooManyInvitations) as refusal:
        team.invite("ivt_x", "one.more@acme.example", "viewer", MONDAY + timedelta(hours=23))

    assert refusal.value.extra == {"retry_after": 3600}
    assert len(team.sent) == MOST_INVITATIONS
    team.invite("ivt_x", "one.more@acme.example", "viewer", MONDAY + timedelta(days=1))
    assert len(team.sent) == 1


def test_nobody_is_mailed_more_than_three_invitations_in_a_day_whoever_sends_them():
    team, hour = Team(brand_id=ACME), timedelta(hours=1)
    by_globex = [MONDAY - 2 * hour]
    team.invite("ivt_1", VERA, "viewer", MONDAY, by_globex)
    team.invite("ivt_2", VERA.upper(), "viewer", MONDAY, by_globex)

    with pytest.raises(TooManyInvitations) as refusal:
        team.invite("ivt_3", VERA, "viewer", MONDAY + hour, by_globex)

    assert refusal.value.extra == {"retry_after": 21 * 3600}
    assert [each.id for each in team.open_invitations(MONDAY)] == ["ivt_2"]
    team.invite("ivt_4", "max@acme.example", "viewer", MONDAY)


def test_what_is_kept_of_a_mail_is_no_address(team):
    assert [sent.address for sent in team.sent] == [address_hash("FINN@acme.example"), address_hash(VERA)]
    assert "@" not in str(team.sent)


def test_a_changed_role_is_told_with_the_one_before(team):
    finn = finn_of(team)

    [event] = team.change_role(finn.id, "manager")

    assert finn_of(team).role == "manager"
    assert (event.type, event.before, event.role) == ("team_role_changed", "finance", "manager")
    assert team.change_role(finn.id, "manager") == []


def test_a_removed_member_is_gone(team):
    finn = finn_of(team)

    [event] = team.remove(finn.id)

    assert (event.type, event.member_id) == ("team_member_removed", finn.id)
    for verb in (team.remove, lambda member_id: team.change_role(member_id, "viewer")):
        with pytest.raises(MemberNotFound):
            verb(finn.id)


def test_the_account_itself_stays_an_owner_whatever_other_owners_there_are(team):
    team.change_role(finn_of(team).id, "owner")

    with pytest.raises(LastOwner):
        team.remove(ACME)
    with pytest.raises(LastOwner):
        team.change_role(ACME, "viewer")


def test_somebody_elses_id_is_nobodys(team):
    with pytest.raises(MemberNotFound):
        team.remove(new_id("mem"))
