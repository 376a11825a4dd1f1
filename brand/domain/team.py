"""The people who act for a brand: members with a role each, and invitations that nobody has accepted yet."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from brand.events import (
    TeamInvitationWithdrawn,
    TeamMemberInvited,
    TeamMemberJoined,
    TeamMemberRemoved,
    TeamRoleChanged,
)
from chassis.errors import Conflict, NotFound, TooManyRequests

ROLES = ("owner", "manager", "finance", "approver", "viewer")
OWNER = "owner"

INVITATION_LIFETIME = timedelta(hours=72)

# One document holds the team, and a page of a hundred shows all of it.
MOST_PEOPLE = 100

# Each invitation is a mail to somebody who never asked for one. A large team invites itself within two days,
# and who has not found two mails needs another way to be told.
LIMITED_FOR = timedelta(days=1)
MOST_INVITATIONS, MOST_TO_AN_ADDRESS = 50, 3


class MemberNotFound(NotFound):
    code, title = "brand.member_not_found", "There is no such member in the team"


class InvitationNotFound(NotFound):
    """The same for one that was withdrawn, replaced, accepted by somebody else, or that has expired."""

    code, title = "brand.invitation_not_found", "There is no such invitation"


class AlreadyMember(Conflict):
    code, title = "brand.already_member", "This person is in the team already"


class TeamIsFull(Conflict):
    code, title = "brand.team_is_full", "The team has as many people as it may have"


class TooManyInvitations(TooManyRequests):
    """`retry_after` is in seconds."""

    code, title = "brand.too_many_invitations", "No more invitations today"


class LastOwner(Conflict):
    code, title = "brand.last_owner", "The brand's own account stays an owner"


@dataclass(frozen=True, kw_only=True)
class Member:
    """`id` is the member's account; the invitation that was accepted is kept, so that it is accepted once."""

    id: str
    email: str
    name: str
    role: str
    joined_at: datetime
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class Invitation:
    id: str
    email: str
    role: str
    invited_at: datetime
    expires_at: datetime

    def is_open(self, at: datetime) -> bool:
        return at < self.expires_at


@dataclass(frozen=True, kw_only=True)
class Sent:
    """That a mail went out, kept for a day; `address` is a hash of where to (`address_hash`)."""

    address: str
    at: datetime


class Invited(NamedTuple):
    email: str
    role: str


def normal_email(email: str) -> str:
    """The form under which identity stores and compares an address."""
    return unicodedata.normalize("NFKC", email).strip().lower()


def address_hash(email: str) -> str:
    """Whoever is invited to nothing any more leaves no address behind."""
    return hashlib.sha256(normal_email(email).encode()).hexdigest()


def check_may_be_sent(sent: Sequence[datetime], most: int, at: datetime) -> None:
    """`sent` are the times of the last day."""
    if len(sent) >= most:
        seconds = math.ceil((sorted(sent)[-most] + LIMITED_FOR - at).total_seconds())
        raise TooManyInvitations(f"At most {most} in a day.", retry_after=max(seconds, 1))


@dataclass(kw_only=True)
class Team:
    """One per brand. The brand's own account is always an owner and is not among the members, so a brand
    never is without one.

    The team is an aggregate of its own beside the profile, so its events have an id of their own, too.
    """

    brand_id: str
    members: list[Member] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    version: int = 0

    @property
    def id(self) -> str:
        return f"team_{self.brand_id.removeprefix('brd_')}"

    def member(self, member_id: str) -> Member:
        for member in self.members:
            if member.id == member_id:
                return member
        raise MemberNotFound()

    def open_invitation(self, invitation_id: str, at: datetime) -> Invitation:
        for invitation in self.invitations:
            if invitation.id == invitation_id and invitation.is_open(at):
                return invitation
        raise InvitationNotFound()

    def invited(self, invitation_id: str, at: datetime) -> Invited:
        """Whom an invitation is for: while it is open, and once it was accepted."""
        for member in self.members:
            if member.invitation_id == invitation_id:
                return Invited(member.email, member.role)
        invitation = self.open_invitation(invitation_id, at)
        return Invited(invitation.email, invitation.role)

    def open_invitations(self, at: datetime) -> list[Invitation]:
        return [invitation for invitation in self.invitations if invitation.is_open(at)]

    def invite(
        self, invitation_id: str, email: str, role: str, at: datetime, by_others: Sequence[datetime] = ()
    ) -> tuple[Invitation, list[TeamMemberInvited]]:
        """An address has one open invitation: a newer one takes its place, and the older link is dead.

        `by_others` is when other brands mailed to this address within the last day.
        """
        address = normal_email(email)
        if any(member.email == address for member in self.members):
            raise AlreadyMember()
        others = [other for other in self.open_invitations(at) if other.email != address]
        if len(self.members) + len(others) >= MOST_PEOPLE:
            raise TeamIsFull(f"There are {MOST_PEOPLE} members and open invitations.")
        self.note_sent(address, by_others, at)
        invitation = Invitation(
            id=invitation_id,
            email=address,
            role=role,
            invited_at=at,
            expires_at=at + INVITATION_LIFETIME,
        )
        self.invitations = [*others, invitation]
        invited = TeamMemberInvited(
            team_id=self.id,
            brand_id=self.brand_id,
            invitation_id=invitation.id,
            role=role,
            expires_at=invitation.expires_at,
        )
        return invitation, [invited]

    def note_sent(self, address: str, by_others: Sequence[datetime], at: datetime) -> None:
        """Withdrawn ones count, too: their mail was sent."""
        hashed, recent = address_hash(address), [one for one in self.sent if at - one.at < LIMITED_FOR]
        check_may_be_sent([one.at for one in recent], MOST_INVITATIONS, at)
        to_it = [one.at for one in recent if one.address == hashed]
        check_may_be_sent([*to_it, *by_others], MOST_TO_AN_ADDRESS, at)
        self.sent = [*recent, Sent(address=hashed, at=at)]

    def withdraw(self, invitation_id: str, at: datetime) -> list[TeamInvitationWithdrawn]:
        withdrawn = self.open_invitation(invitation_id, at)
        self.invitations.remove(withdrawn)
        return [TeamInvitationWithdrawn(team_id=self.id, brand_id=self.brand_id, invitation_id=invitation_id)]

    def join(
        self, invitation_id: str, member_id: str, email: str, name: str, at: datetime
    ) -> list[TeamMemberJoined]:
        """Accept an invitation, once, by an account with the address that was invited.

        The same member may say so again, since the answer to the first time may have been lost.
        """
        if any((known.id, known.invitation_id) == (member_id, invitation_id) for known in self.members):
            return []
        invitation = self.open_invitation(invitation_id, at)
        if invitation.email != normal_email(email):
            raise InvitationNotFound()
        if any(known.id == member_id for known in self.members):
            raise AlreadyMember()
        self.invitations.remove(invitation)
        self.members.append(
            Member(
                id=member_id,
                email=invitation.email,
                name=name,
                role=invitation.role,
                joined_at=at,
                invitation_id=invitation_id,
            )
        )
        return [
            TeamMemberJoined(
                team_id=self.id, brand_id=self.brand_id, member_id=member_id, role=invitation.role
            )
        ]

    def change_role(self, member_id: str, role: str) -> list[TeamRoleChanged]:
        self.check_is_not_the_account(member_id)
        member = self.member(member_id)
        if member.role == role:
            return []
        self.members[self.members.index(member)] = replace(member, role=role)
        return [
            TeamRoleChanged(
                team_id=self.id, brand_id=self.brand_id, member_id=member_id, before=member.role, role=role
            )
        ]

    def remove(self, member_id: str, *, left: bool = False) -> list[TeamMemberRemoved]:
        self.check_is_not_the_account(member_id)
        self.members.remove(self.member(member_id))
        return [TeamMemberRemoved(team_id=self.id, brand_id=self.brand_id, member_id=member_id, left=left)]

    def check_is_not_the_account(self, member_id: str) -> None:
        if member_id == self.brand_id:
            raise LastOwner()
