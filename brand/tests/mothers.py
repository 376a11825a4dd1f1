"""ACME, the brand whom the tests know by name, and its team."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from brand.domain.profile import BillingInfo, BudgetRange, MarketingPreferences, PaymentMethod, Profile
from brand.domain.team import Team
from brand.events import ContactPerson
from chassis.event import ReceivedEvent
from chassis.ids import new_id
from chassis.money import Money
from chassis.principal import Principal

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

OWNERS_SCOPES = frozenset({"profile:write", "billing:read", "billing:write", "team:read", "team:manage"})

WILE = ContactPerson(name="Wile E.", position="Head of Testing", phone="+1 555 0100")


def a_visa(**changes: Any) -> PaymentMethod:
    fields: dict[str, Any] = {
        "id": new_id("pmt"),
        "provider": "sandbox",
        "reference": "pm_card_visa",
        "type": "card",
        "brand": "visa",
        "last4": "4242",
        "expires": "2034-12",
        "added_at": MONDAY,
    }
    return PaymentMethod(**(fields | changes))


def acme(**changes: Any) -> Profile:
    fields: dict[str, Any] = {
        "id": new_id("brd"),
        "created_at": MONDAY,
        "updated_at": MONDAY,
        "email": "ads@acme.example",
        "company_name": "ACME Rockets",
        "industry": "toys",
        "contact_person": WILE,
        "billing_info": BillingInfo(address="1 Desert Road", tax_id="US-1", payment_methods=(a_visa(),)),
        "marketing_preferences": MarketingPreferences(
            target_demographics=["18-24"],
            content_categories=["racing"],
            budget_range=BudgetRange(min=Money(10_000, "USD"), max=Money(50_000, "USD")),
        ),
    }
    return Profile(**(fields | changes))


def registration(account_id: str) -> dict[str, Any]:
    """What identity tells about ACME's new account."""
    return {
        "account_id": account_id,
        "email": "ads@acme.example",
        "company_name": "ACME Rockets",
        "industry": "toys",
        "contact_person": {"name": "Wile E.", "position": "Head of Testing", "phone": "+1 555 0100"},
    }


def registered(account_id: str) -> ReceivedEvent:
    return ReceivedEvent(
        id=f"{account_id}/1/0",
        type="brand_registered",
        source="identity",
        time=MONDAY,
        subject=account_id,
        version=1,
        data=registration(account_id),
    )


def owner_of(brand_id: str) -> Principal:
    return Principal(brand_id, "brand", OWNERS_SCOPES)


def team_of(brand_id: str, **roles: str) -> Team:
    """A team with a member per name, `team_of(id, finn="finance")`; each has an id of their own."""
    team = Team(brand_id=brand_id)
    for name, role in roles.items():
        invitation, _ = team.invite(new_id("ivt"), f"{name}@acme.example", role, MONDAY)
        team.join(invitation.id, new_id("mem"), invitation.email, name.title(), MONDAY)
    return team
