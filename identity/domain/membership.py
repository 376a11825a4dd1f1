"""People who act for a brand: each has an account of their own, and what they may do is the team's word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.errors import Conflict, Forbidden
from identity.domain.account import Account
from identity.domain.permissions import SCOPES
from identity.events import MemberRegistered

MEMBER = "member"


class NoMembership(Forbidden):
    code, title = "identity.no_membership", "This account is in no such team"


class ChooseBrand(Conflict):
    """`brands` are those that the account may act for."""

    code, title = "identity.choose_brand", "Say which brand you come for"


@dataclass(frozen=True)
class Membership:
    """For whom somebody acts, and as what."""

    brand_id: str
    role: str

    @property
    def claims(self) -> dict[str, Any]:
        """What makes an access token the brand's, in the hands of this member (docs/0006)."""
        return {
            "kind": "brand",
            "sub_kind": MEMBER,
            "acts_for": self.brand_id,
            "role": self.role,
            "scope": " ".join(sorted(SCOPES[self.role])),
        }


@dataclass(frozen=True)
class Invited:
    """Whom a brand has invited to its team."""

    email: str
    company_name: str


def chosen(memberships: Sequence[Membership], brand_id: str | None) -> Membership:
    """The one that was named; without a name the only one."""
    if brand_id is not None:
        return the(memberships, brand_id)
    if not memberships:
        raise NoMembership()
    if len(memberships) > 1:
        brands = [membership.brand_id for membership in memberships]
        raise ChooseBrand("Name one of them as brand_id.", brands=brands)
    return memberships[0]


def the(memberships: Sequence[Membership], brand_id: str) -> Membership:
    for membership in memberships:
        if membership.brand_id == brand_id:
            return membership
    raise NoMembership()


def registered_member(account: Account, name: str) -> list[MemberRegistered]:
    """What a new member's account makes known."""
    return [MemberRegistered(account_id=account.id, email=account.email, display_name=name)]
