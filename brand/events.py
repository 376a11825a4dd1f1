"""What brand tells the others. Billing details and the addresses of people in a team never appear here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.event import Event


@dataclass(frozen=True, kw_only=True)
class ContactPerson:
    """Whom to talk to at a brand."""

    name: str
    position: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class BrandProfileUpdated(Event):
    """The fields in `changed` were changed; the public ones are here as they are now."""

    type: ClassVar[str] = "brand_profile_updated"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "brand_id"
    brand_id: str
    company_name: str
    industry: str
    contact_person: ContactPerson
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class BrandVerificationRequested(Event):
    """The brand asks to be verified and waits for an answer."""

    type: ClassVar[str] = "brand_verification_requested"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "brand_id"
    brand_id: str


@dataclass(frozen=True, kw_only=True)
class BrandPaymentMethodAdded(Event):
    """The brand can be charged by what is stored at the provider."""

    type: ClassVar[str] = "brand_payment_method_added"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "brand_id"
    brand_id: str
    payment_method_id: str
    provider: str


@dataclass(frozen=True, kw_only=True)
class BrandPaymentMethodRemoved(Event):
    """The brand does not want to be charged that way any more."""

    type: ClassVar[str] = "brand_payment_method_removed"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "brand_id"
    brand_id: str
    payment_method_id: str


@dataclass(frozen=True, kw_only=True)
class TeamMemberInvited(Event):
    """Somebody may join the team until `expires_at`. Identity, who sends the link, asks for the address."""

    type: ClassVar[str] = "team_member_invited"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "team_id"
    team_id: str
    brand_id: str
    invitation_id: str
    role: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TeamInvitationWithdrawn(Event):
    """The invitation cannot be accepted any more."""

    type: ClassVar[str] = "team_invitation_withdrawn"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "team_id"
    team_id: str
    brand_id: str
    invitation_id: str


@dataclass(frozen=True, kw_only=True)
class TeamMemberJoined(Event):
    """An invitation was accepted: the member acts for the brand, in this role."""

    type: ClassVar[str] = "team_member_joined"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "team_id"
    team_id: str
    brand_id: str
    member_id: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamRoleChanged(Event):
    """The member acts in another role from now on; tokens with the role of before must be refused."""

    type: ClassVar[str] = "team_role_changed"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "team_id"
    team_id: str
    brand_id: str
    member_id: str
    before: str
    role: str


@dataclass(frozen=True, kw_only=True)
class TeamMemberRemoved(Event):
    """The member does not act for the brand any more, by their own wish if they `left`.

    Their tokens must be refused, and the keys that they made.
    """

    type: ClassVar[str] = "team_member_removed"
    version: ClassVar[int] = 1
    aggregate: ClassVar[str] = "team_id"
    team_id: str
    brand_id: str
    member_id: str
    left: bool = False
