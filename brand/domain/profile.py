"""The profile of a brand: what it says about itself, and whether that was verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from brand.events import (
    BrandPaymentMethodAdded,
    BrandPaymentMethodRemoved,
    BrandProfileUpdated,
    BrandVerificationRequested,
    ContactPerson,
)
from chassis.errors import Conflict, NotFound, ValidationFailed
from chassis.money import Money


class BrandNotFound(NotFound):
    code, title = "brand.not_found", "Brand not found"


class ConcurrentUpdate(Conflict):
    code, title = "brand.concurrent_update", "Somebody else changed this profile at the same time"


class PaymentMethodNotFound(NotFound):
    code, title = "brand.payment_method_not_found", "There is no such payment method"


class TooManyPaymentMethods(Conflict):
    code, title = "brand.too_many_payment_methods", "There are as many payment methods as there may be"


@dataclass(frozen=True, kw_only=True)
class PaymentMethod:
    """What the provider stores under `reference`, and what may be shown of it; never a card's number."""

    id: str
    provider: str
    reference: str
    type: str
    brand: str
    last4: str
    expires: str
    added_at: datetime


MOST_PAYMENT_METHODS = 10


@dataclass(frozen=True, kw_only=True)
class BillingInfo:
    address: str = ""
    tax_id: str = ""
    payment_methods: tuple[PaymentMethod, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BudgetRange:
    """What the brand means to spend on a campaign; both ends or neither."""

    min: Money
    max: Money

    def __post_init__(self) -> None:
        if self.min.currency != self.max.currency:
            raise _bad_range("Both ends must have the same currency.")
        if self.min > self.max:
            raise _bad_range("The minimum must not exceed the maximum.")


def _bad_range(reason: str) -> ValidationFailed:
    return ValidationFailed(reason, {"marketing_preferences": {"budget_range": [reason]}})


@dataclass(frozen=True, kw_only=True)
class MarketingPreferences:
    target_demographics: list[str] = field(default_factory=list)
    content_categories: list[str] = field(default_factory=list)
    budget_range: BudgetRange | None = None


NO_CONTACT = ContactPerson(name="", position="", phone="")


@dataclass(kw_only=True)
class Profile:
    """`id` is the account's. A blank profile belongs to an account whose registration is still on its way."""

    id: str
    created_at: datetime
    updated_at: datetime
    email: str = ""
    company_name: str = ""
    industry: str = ""
    contact_person: ContactPerson = NO_CONTACT
    billing_info: BillingInfo = BillingInfo()
    marketing_preferences: MarketingPreferences = MarketingPreferences()
    verification_status: str = "unverified"
    version: int = 1

    @classmethod
    def blank(cls, id: str, at: datetime) -> Profile:
        return cls(id=id, created_at=at, updated_at=at)

    def fill_in(self, email: str, company_name: str, industry: str, contact_person: ContactPerson) -> None:
        """Take the registration's facts where nothing is said yet.

        The brand may have changed its profile before the registration arrived; its later word counts.
        """
        self.email = self.email or email
        self.company_name = self.company_name or company_name
        self.industry = self.industry or industry
        if self.contact_person == NO_CONTACT:
            self.contact_person = contact_person

    def update(self, patch: Mapping[str, Any], at: datetime) -> list[BrandProfileUpdated]:
        """Merge as RFC 7396 does: members not named stay, lists are replaced whole."""
        changed = [name for name, value in patch.items() if self._merge(name, value)]
        if not changed:
            return []
        self.updated_at = at
        return [
            BrandProfileUpdated(
                brand_id=self.id,
                company_name=self.company_name,
                industry=self.industry,
                contact_person=self.contact_person,
                changed=sorted(changed),
            )
        ]

    def _merge(self, name: str, value: Any) -> bool:
        before = getattr(self, name)
        after = replace(before, **value) if isinstance(value, Mapping) else value
        setattr(self, name, after)
        return bool(before != after)

    def payment_method(self, provider: str, reference: str) -> PaymentMethod | None:
        for known in self.billing_info.payment_methods:
            if (known.provider, known.reference) == (provider, reference):
                return known
        return None

    def add_payment_method(self, method: PaymentMethod) -> list[BrandPaymentMethodAdded]:
        """What is stored under one reference is there once."""
        known = self.billing_info.payment_methods
        if self.payment_method(method.provider, method.reference):
            return []
        if len(known) >= MOST_PAYMENT_METHODS:
            raise TooManyPaymentMethods(f"There are {MOST_PAYMENT_METHODS}; remove one that is not used.")
        self.billing_info = replace(self.billing_info, payment_methods=(*known, method))
        self.updated_at = method.added_at
        return [
            BrandPaymentMethodAdded(brand_id=self.id, payment_method_id=method.id, provider=method.provider)
        ]

    def remove_payment_method(self, method_id: str, at: datetime) -> list[BrandPaymentMethodRemoved]:
        known = self.billing_info.payment_methods
        left = tuple(method for method in known if method.id != method_id)
        if left == known:
            raise PaymentMethodNotFound()
        self.billing_info = replace(self.billing_info, payment_methods=left)
        self.updated_at = at
        return [BrandPaymentMethodRemoved(brand_id=self.id, payment_method_id=method_id)]

    def request_verification(self, at: datetime) -> list[BrandVerificationRequested]:
        """Asking again while an answer is pending, or after it was yes, changes nothing."""
        if self.verification_status in ("pending", "verified"):
            return []
        self.verification_status = "pending"
        self.updated_at = at
        return [BrandVerificationRequested(brand_id=self.id)]
