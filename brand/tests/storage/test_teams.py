"""One contract for the fake and the real store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brand.domain.profile import ConcurrentUpdate
from brand.domain.team import address_hash
from brand.storage import MongoTeams
from brand.tests.fakes import FakeTeams
from brand.tests.mothers import MONDAY, team_of
from chassis.ids import new_id


@pytest.fixture(params=["fake", "mongo"])
def teams(request):
    if request.param == "fake":
        return FakeTeams()
    built = MongoTeams(request.getfixturevalue("mongo"), request.getfixturevalue("outbox"))
    built.ensure_indexes()
    return built


def test_a_brand_without_people_has_an_empty_team(teams):
    team = teams.get(new_id("brd"))

    assert (team.members, team.invitations, team.version) == ([], [], 0)


def test_a_team_comes_back_as_it_was_saved(teams):
    team = team_of(new_id("brd"), finn="finance", max="manager")
    team.invite(new_id("ivt"), "vera@acme.example", "viewer", MONDAY)
    teams.save(team, [])
    team.change_role(team.members[0].id, "viewer")

    teams.save(team, [])

    assert teams.get(team.brand_id) == team
    assert team.version == 2


def test_a_team_that_changed_since_it_was_loaded_is_not_overwritten(teams):
    team = team_of(new_id("brd"), finn="finance")
    teams.save(team, [])
    stale = teams.get(team.brand_id)
    teams.save(team, [])

    with pytest.raises(ConcurrentUpdate):
        teams.save(stale, [])


def test_of_two_who_begin_a_team_one_succeeds(teams):
    first, second = (team_of("brd_1", **{name: "viewer"}) for name in ("finn", "max"))
    teams.save(first, [])

    with pytest.raises(ConcurrentUpdate):
        teams.save(second, [])

    assert teams.get("brd_1") == first


def test_a_member_is_found_in_every_team_of_theirs_and_in_no_other(teams):
    acme, globex, initech = (team_of(f"brd_{n}", finn="finance") for n in (2, 1, 3))
    finn = acme.members[0].id
    invitation, _ = globex.invite(new_id("ivt"), "f@globex.example", "viewer", MONDAY)
    globex.join(invitation.id, finn, "f@globex.example", "Finn", MONDAY)
    for team in (acme, globex, initech):
        teams.save(team, [])

    assert teams.of_member(finn) == [globex, acme]
    assert teams.of_member(new_id("mem")) == []


def test_what_other_teams_have_mailed_to_an_address_since_then_is_found(teams):
    acme, globex, initech = (team_of(f"brd_{n}", finn="finance") for n in (1, 2, 3))
    globex.invite("ivt_1", "vera@acme.example", "viewer", MONDAY)
    initech.invite("ivt_2", "vera@acme.example", "viewer", MONDAY - timedelta(hours=2))
    acme.invite("ivt_3", "vera@acme.example", "viewer", MONDAY)
    for team in (acme, globex, initech):
        teams.save(team, [])

    found = teams.sent_by_others(
        acme.brand_id, address_hash("vera@acme.example"), MONDAY - timedelta(hours=1)
    )

    assert found == [MONDAY]
    assert teams.sent_by_others(acme.brand_id, address_hash("max@acme.example"), MONDAY) == []


def test_a_refused_change_leaves_no_event(mongo, outbox):
    teams = MongoTeams(mongo, outbox)
    team = team_of(new_id("brd"), finn="finance")
    teams.save(team, [])
    stale = teams.get(team.brand_id)
    teams.save(team, [])

    with pytest.raises(ConcurrentUpdate):
        teams.save(stale, stale.remove(stale.members[0].id))

    assert outbox.events == []
