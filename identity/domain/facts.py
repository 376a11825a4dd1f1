"""Facts that the audit log is told of and nobody else: they are stored as events are, and not published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.event import Event


class Fact(Event):
    """`anonymous` when nobody has proved to be anybody; `done_to_account` when somebody else did it to it."""

    aggregate: ClassVar[str] = "account_id"
    anonymous: ClassVar[bool] = False
    done_to_account: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class LoggedIn(Fact):
    type: ClassVar[str] = "logged_in"
    account_id: str
    sid: str
    acr: str
    address: str | None


@dataclass(frozen=True, kw_only=True)
class LoginFailed(Fact):
    """`account_id` is empty without such an account; `locked_until` is there when it was one too many."""

    type: ClassVar[str] = "login_failed"
    anonymous: ClassVar[bool] = True
    account_id: str
    kind: str
    factor: str
    address: str | None
    locked_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class SteppedUp(Fact):
    type: ClassVar[str] = "stepped_up"
    account_id: str
    sid: str
    acr: str


@dataclass(frozen=True, kw_only=True)
class InvitationAccepted(Fact):
    type: ClassVar[str] = "invitation_accepted"
    account_id: str


@dataclass(frozen=True, kw_only=True)
class OneTimePasswordGiven(Fact):
    """An operator has given an administrator another way in."""

    type: ClassVar[str] = "one_time_password_given"
    done_to_account: ClassVar[bool] = True
    account_id: str


@dataclass(frozen=True, kw_only=True)
class KeyFact(Fact):
    """What an operator does with the keys that sign everybody's tokens; it is about no account."""

    account_id: str = ""
    kid: str


@dataclass(frozen=True, kw_only=True)
class SigningKeyMade(KeyFact):
    type: ClassVar[str] = "signing_key_made"


@dataclass(frozen=True, kw_only=True)
class SigningKeyWithdrawn(KeyFact):
    type: ClassVar[str] = "signing_key_withdrawn"


@dataclass(frozen=True, kw_only=True)
class TeamMemberJoined(Fact):
    """Brand tells of it, and does not say who did it: that is in the history of the team."""

    type: ClassVar[str] = "team_member_joined"
    anonymous: ClassVar[bool] = True
    account_id: str
    member_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamRoleChanged(Fact):
    type: ClassVar[str] = "team_role_changed"
    anonymous: ClassVar[bool] = True
    account_id: str
    member_id: str
    before: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamMemberRemoved(Fact):
    type: ClassVar[str] = "team_member_removed"
    anonymous: ClassVar[bool] = True
    account_id: str
    member_id: str


TEAM_FACTS: Mapping[str, type[Fact]] = {
    fact.type: fact for fact in (TeamMemberJoined, TeamRoleChanged, TeamMemberRemoved)
}
"""By the event that tells of it."""
