from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from brand import handlers
from brand.domain.profile import ConcurrentUpdate
from brand.domain.team import (
    MOST_TO_AN_ADDRESS,
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    TooManyInvitations,
)
from brand.handlers.team import Membership
from brand.tests.fakes import FakeProfiles, FakeTeams
from brand.tests.mothers import MONDAY, OWNERS_SCOPES, acme, owner_of, team_of
from chassis.clock import FixedClock
from chassis.errors import Forbidden, Unauthenticated, ValidationFailed
from chassis.ids import new_id
from chassis.pagination import encode_cursor
from chassis.principal import ANONYMOUS, Delegate, Principal


class World:
    """ACME with Finn the finance and Vera, who is invited."""

    def __init__(self) -> None:
        self.clock, self.profiles, self.teams = FixedClock(MONDAY), FakeProfiles(), FakeTeams()
        profile = acme()
        self.profiles.add(profile)
        self.owner = owner_of(profile.id)
        self.teams.save(team_of(profile.id, finn="finance"), [])
        [self.finn] = self.teams.get(profile.id).members
        self.vera = self.invite("vera@acme.example", "viewer")

    def invite(self, email, role, by=None):
        return handlers.invite(self.teams, self.clock, new_id, by or self.owner, email=email, role=role)

    def people(self, limit=20, cursor=None, by=None):
        return handlers.list_team(
            self.profiles, self.teams, self.clock, by or self.owner, limit=limit, cursor=cursor
        )

    def join(self, invitation_id, member_id, email, brand_id=None):
        return handlers.join_team(
            self.teams,
            self.clock,
            brand_id=brand_id or self.owner.id,
            invitation_id=invitation_id,
            member_id=member_id,
            email=email,
            name="Vera",
        )


@pytest.fixture
def world():
    return World()


def test_the_list_shows_the_account_its_members_and_who_is_invited(world):
    page = world.people()

    assert [(person.name, person.role, person.status) for person in page.items] == [
        ("ACME Rockets", "owner", "active"),
        ("Finn", "finance", "active"),
        ("", "viewer", "invited"),
    ]
    assert page.items[2].expires_at == MONDAY + timedelta(hours=72)
    assert page.next_cursor is None


def test_the_list_comes_in_pages(world):
    first = world.people(limit=2)
    rest = world.people(limit=2, cursor=first.next_cursor)

    assert [person.email for person in [*first.items, *rest.items]] == [
        "ads@acme.example",
        "finn@acme.example",
        "vera@acme.example",
    ]
    assert rest.next_cursor is None


def test_a_forged_cursor_is_refused_or_shows_no_more_than_the_list(world):
    with pytest.raises(ValidationFailed):
        world.people(cursor=encode_cursor(["a"]))
    assert len(world.people(cursor=encode_cursor([-5])).items) == 3


def test_an_expired_invitation_is_not_shown(world):
    world.clock.advance(72 * 3600)

    assert [person.status for person in world.people().items] == ["active", "active"]


def test_who_joins_acts_for_the_brand_in_the_role_of_the_invitation(world):
    membership = world.join(world.vera.id, "mem_vera", "vera@acme.example")

    assert membership == Membership(brand_id=world.owner.id, role="viewer")
    assert handlers.memberships(world.teams, member_id="mem_vera") == [membership]
    assert world.join(world.vera.id, "mem_vera", "vera@acme.example") == membership
    assert [event.type for event in world.teams.events].count("team_member_joined") == 1


def test_an_invitation_of_another_brand_is_not_found(world):
    with pytest.raises(InvitationNotFound):
        world.join(world.vera.id, "mem_vera", "vera@acme.example", brand_id=new_id("brd"))


def test_identity_is_told_who_is_invited_while_the_invitation_is_open(world):
    asked = {"brand_id": world.owner.id, "invitation_id": world.vera.id}

    def told():
        return handlers.invitation(world.profiles, world.teams, world.clock, **asked)

    assert (told().email, told().role) == ("vera@acme.example", "viewer")
    assert told().company_name == "ACME Rockets"
    handlers.withdraw_invitation(world.teams, world.clock, world.owner, invitation_id=world.vera.id)
    with pytest.raises(InvitationNotFound):
        told()


def test_identity_is_told_the_same_again_once_the_invitation_was_accepted(world):
    asked = {"brand_id": world.owner.id, "invitation_id": world.vera.id}
    world.join(world.vera.id, "mem_vera", "vera@acme.example")

    told = handlers.invitation(world.profiles, world.teams, world.clock, **asked)

    assert told.email == "vera@acme.example"


def test_a_person_may_be_in_the_teams_of_two_brands(world):
    globex = owner_of(new_id("brd"))
    invited = world.invite("finn@acme.example", "manager", by=globex)
    world.join(invited.id, world.finn.id, "finn@acme.example", brand_id=globex.id)

    found = handlers.memberships(world.teams, member_id=world.finn.id)

    assert {(each.brand_id, each.role) for each in found} == {
        (world.owner.id, "finance"),
        (globex.id, "manager"),
    }


def test_a_removed_member_has_no_membership(world):
    handlers.remove_member(world.teams, world.owner, member_id=world.finn.id)

    assert handlers.memberships(world.teams, member_id=world.finn.id) == []


def test_a_role_that_stays_the_same_stores_and_announces_nothing(world):
    before = world.teams.get(world.owner.id).version

    changed = handlers.change_role(world.teams, world.owner, member_id=world.finn.id, role="finance")

    assert changed.role == "finance"
    assert world.teams.get(world.owner.id).version == before


def test_a_change_that_meets_another_keeps_both(world, monkeypatch):
    save = world.teams.save

    def overtaken(team, events):
        monkeypatch.setattr(world.teams, "save", save)
        handlers.change_role(world.teams, world.owner, member_id=world.finn.id, role="viewer")
        save(team, events)

    monkeypatch.setattr(world.teams, "save", overtaken)

    world.invite("max@acme.example", "manager")

    assert [(each.email, each.role) for each in world.people().items[1:]] == [
        ("finn@acme.example", "viewer"),
        ("vera@acme.example", "viewer"),
        ("max@acme.example", "manager"),
    ]


def test_a_change_that_loses_every_race_overwrites_nothing(world, monkeypatch):
    def lost(team, events):
        raise ConcurrentUpdate()

    monkeypatch.setattr(world.teams, "save", lost)

    with pytest.raises(ConcurrentUpdate):
        world.invite("max@acme.example", "manager")


def managing(world, by):
    return {
        "invite": lambda: world.invite("max@acme.example", "owner", by=by),
        "withdraw": lambda: handlers.withdraw_invitation(
            world.teams, world.clock, by, invitation_id=world.vera.id
        ),
        "change": lambda: handlers.change_role(world.teams, by, member_id=world.finn.id, role="owner"),
        "remove": lambda: handlers.remove_member(world.teams, by, member_id=world.finn.id),
    }


@pytest.mark.parametrize("verb", ["invite", "withdraw", "change", "remove"])
def test_only_whoever_may_manage_the_team_does(world, verb):
    without = replace(world.owner, scopes=OWNERS_SCOPES - {"team:manage"})
    streamer = Principal(new_id("str"), "streamer", OWNERS_SCOPES)

    for by, refusal in ((without, Forbidden), (streamer, Forbidden), (ANONYMOUS, Unauthenticated)):
        with pytest.raises(refusal):
            managing(world, by)[verb]()

    assert len(world.people().items) == 3


@pytest.mark.parametrize(
    ("verb", "refusal"),
    [("withdraw", InvitationNotFound), ("change", MemberNotFound), ("remove", MemberNotFound)],
)
def test_another_brands_people_are_nobodys(world, verb, refusal):
    with pytest.raises(refusal):
        managing(world, owner_of(new_id("brd")))[verb]()

    assert len(world.people().items) == 3


@pytest.mark.parametrize("role", ["owner", "manager", "finance", "approver", "viewer"])
def test_a_member_leaves_whatever_their_role_and_needs_nobody_for_it(world, role):
    finn = Principal(world.owner.id, "brand", delegate=Delegate(world.finn.id, "member", role))

    handlers.leave_team(world.teams, finn)

    assert handlers.memberships(world.teams, member_id=world.finn.id) == []
    assert (world.teams.events[-1].type, world.teams.events[-1].left) == ("team_member_removed", True)
    with pytest.raises(MemberNotFound):
        handlers.leave_team(world.teams, finn)


def test_the_brands_account_its_keys_and_administrators_do_not_leave(world):
    ada = replace(world.owner, delegate=Delegate("adm_ada", "admin"))

    for by, refusal in ((world.owner, LastOwner), (ada, LastOwner), (ANONYMOUS, Unauthenticated)):
        with pytest.raises(refusal):
            handlers.leave_team(world.teams, by)

    assert len(world.people().items) == 3


def test_what_other_brands_have_mailed_to_an_address_counts(world):
    for _ in range(MOST_TO_AN_ADDRESS - 1):
        world.invite("VERA@acme.example", "viewer", by=owner_of(new_id("brd")))

    with pytest.raises(TooManyInvitations):
        world.invite("vera@acme.example", "viewer")

    world.clock.advance(86_400)
    world.invite("vera@acme.example", "viewer")
