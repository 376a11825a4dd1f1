"""What brand tells the others. Billing details never appear here."""

from __future__ import annotations

from dataclasses import dataclass
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
