"""A brand's team: its owners invite, change roles and remove; identity asks who is in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from brand.domain.profile import Profile
from brand.domain.team import LIMITED_FOR, OWNER, Invitation, LastOwner, Member, Team, address_hash
from brand.handlers.ports import Profiles, Teams
from brand.handlers.profiles import own_profile
from brand.handlers.retries import retried
from chassis.clock import Clock
from chassis.event import Event
from chassis.ids import NewId
from chassis.pagination import Page, decode_cursor, page_of
from chassis.principal import Caller, Delegate, ScopedCaller

# Only the role of owners carries it, with every scope of every other role; an API key never does.
MANAGES_TEAM = "team:manage"


MEMBER = "member"


class DelegatedCaller(Caller, Protocol):
    """The end user, who may be somebody else than the account that they act for."""

    @property
    def delegate(self) -> Delegate | None: ...


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody as the team's list shows them. Who is invited has no name yet, and a time to accept until."""

    id: str
    status: str
    email: str
    name: str
    role: str
    since: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Membership:
    brand_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class InvitationTold:
    """What identity needs to know, and whoever is invited."""

    email: str
    role: str
    company_name: str


def list_team(
    profiles: Profiles, teams: Teams, clock: Clock, by: Caller, *, limit: int, cursor: str | None
) -> Page[Person]:
    """The account itself, its members, then who is invited."""
    by.must_be("brand")
    begin = int(decode_cursor(cursor, int)[0]) if cursor else 0
    people = [account(own_profile(profiles, clock, by)), *others(teams.get(by.id), clock.now())]
    # One document holds them all, so a place in it is a place in the list.
    found = list(enumerate(people, start=1))[max(begin, 0) :][: limit + 1]
    page = page_of(found, limit, key=lambda numbered: [numbered[0]])
    return Page([person for _, person in page.items], page.next_cursor)


def account(profile: Profile) -> Person:
    return Person(
        id=profile.id,
        status="active",
        email=profile.email,
        name=profile.company_name,
        role=OWNER,
        since=profile.created_at,
    )


def others(team: Team, at: datetime) -> list[Person]:
    return [member_shown(member) for member in team.members] + [
        invitation_shown(invitation) for invitation in team.open_invitations(at)
    ]


def member_shown(member: Member) -> Person:
    return Person(
        id=member.id,
        status="active",
        email=member.email,
        name=member.name,
        role=member.role,
        since=member.joined_at,
    )


def invitation_shown(invitation: Invitation) -> Person:
    return Person(
        id=invitation.id,
        status="invited",
        email=invitation.email,
        name="",
        role=invitation.role,
        since=invitation.invited_at,
        expires_at=invitation.expires_at,
    )


def invite(teams: Teams, clock: Clock, new_id: NewId, by: ScopedCaller, *, email: str, role: str) -> Person:
    must_manage_team(by)
    invitation_id = new_id("ivt")

    def attempt() -> Person:
        team = teams.get(by.id)
        now = clock.now()
        by_others = teams.sent_by_others(by.id, address_hash(email), now - LIMITED_FOR)
        invitation, events = team.invite(invitation_id, email, role, now, by_others)
        teams.save(team, events)
        return invitation_shown(invitation)

    return retried(attempt)


def withdraw_invitation(teams: Teams, clock: Clock, by: ScopedCaller, *, invitation_id: str) -> None:
    must_manage_team(by)
    changed(teams, by.id, lambda team: team.withdraw(invitation_id, clock.now()))


def change_role(teams: Teams, by: ScopedCaller, *, member_id: str, role: str) -> Person:
    must_manage_team(by)
    team = changed(teams, by.id, lambda team: team.change_role(member_id, role))
    return member_shown(team.member(member_id))


def remove_member(teams: Teams, by: ScopedCaller, *, member_id: str) -> None:
    must_manage_team(by)
    changed(teams, by.id, lambda team: team.remove(member_id))


def leave_team(teams: Teams, by: DelegatedCaller) -> None:
    """A member, whatever their role; the brand's own account stays, and a key of it is no person."""
    by.must_be("brand")
    member = by.delegate
    if member is None or member.kind != MEMBER:
        raise LastOwner()
    changed(teams, by.id, lambda team: team.remove(member.id, left=True))


def join_team(
    teams: Teams, clock: Clock, *, brand_id: str, invitation_id: str, member_id: str, email: str, name: str
) -> Membership:
    """For identity, which has made sure that it is the invited person who accepts."""
    team = changed(
        teams, brand_id, lambda team: team.join(invitation_id, member_id, email, name, clock.now())
    )
    return Membership(brand_id=brand_id, role=team.member(member_id).role)


def invitation(
    profiles: Profiles, teams: Teams, clock: Clock, *, brand_id: str, invitation_id: str
) -> InvitationTold:
    invited = teams.get(brand_id).invited(invitation_id, clock.now())
    return InvitationTold(
        email=invited.email, role=invited.role, company_name=profiles.get(brand_id).company_name
    )


def memberships(teams: Teams, *, member_id: str) -> list[Membership]:
    return [
        Membership(brand_id=team.brand_id, role=team.member(member_id).role)
        for team in teams.of_member(member_id)
    ]


def changed(teams: Teams, brand_id: str, change: Callable[[Team], Sequence[Event]]) -> Team:
    def attempt() -> Team:
        team = teams.get(brand_id)
        # What changes nothing stores nothing, so that a repeated request leaves the version alone.
        if events := change(team):
            teams.save(team, events)
        return team

    return retried(attempt)


def must_manage_team(by: ScopedCaller) -> None:
    by.must_be("brand")
    by.must_have(MANAGES_TEAM)
