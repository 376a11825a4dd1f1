"""Profiles in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pymongo.errors import DuplicateKeyError

from brand.domain.profile import (
    BillingInfo,
    BrandNotFound,
    BudgetRange,
    ConcurrentUpdate,
    MarketingPreferences,
    PaymentMethod,
    Profile,
)
from brand.events import ContactPerson
from chassis.event import Event
from chassis.events.outbox import Outbox
from chassis.money import Money
from chassis.mongo import Mongo


class MongoProfiles:
    def __init__(self, mongo: Mongo, outbox: Outbox) -> None:
        self._mongo = mongo
        self._outbox = outbox
        self._profiles = mongo["profiles"]

    def ensure_indexes(self) -> None:
        """Profiles are only ever looked up by their primary key."""

    def get(self, brand_id: str) -> Profile:
        document = self._profiles.find_one({"_id": brand_id}, session=self._mongo.session)
        if document is None:
            raise BrandNotFound()
        return _profile(document)

    def add(self, profile: Profile) -> None:
        try:
            self._profiles.insert_one(_document(profile), session=self._mongo.session)
        except DuplicateKeyError as error:
            raise ConcurrentUpdate() from error

    def save(self, profile: Profile, events: Sequence[Event]) -> None:
        version = profile.version + 1
        replacement = _document(profile) | {"version": version}

        def swap() -> None:
            replaced = self._profiles.replace_one(
                {"_id": profile.id, "version": profile.version}, replacement, session=self._mongo.session
            )
            if replaced.matched_count == 0:
                raise ConcurrentUpdate()
            self._outbox.append(events, version)

        self._mongo.transaction(swap)
        profile.version = version


def _document(profile: Profile) -> dict[str, Any]:
    preferences = profile.marketing_preferences
    return {
        "_id": profile.id,
        "email": profile.email,
        "company_name": profile.company_name,
        "industry": profile.industry,
        "contact_person": asdict(profile.contact_person),
        "billing_info": asdict(profile.billing_info),
        "marketing_preferences": {
            "target_demographics": preferences.target_demographics,
            "content_categories": preferences.content_categories,
            "budget_range": _range_document(preferences.budget_range),
        },
        "verification_status": profile.verification_status,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
        "version": profile.version,
    }


def _range_document(budget_range: BudgetRange | None) -> dict[str, Any] | None:
    if budget_range is None:
        return None
    return {"min": budget_range.min.to_dict(), "max": budget_range.max.to_dict()}


def _profile(document: dict[str, Any]) -> Profile:
    return Profile(
        id=document["_id"],
        email=document["email"],
        company_name=document["company_name"],
        industry=document["industry"],
        contact_person=ContactPerson(**document["contact_person"]),
        billing_info=_billing(document["billing_info"]),
        marketing_preferences=_preferences(document["marketing_preferences"]),
        verification_status=document["verification_status"],
        created_at=document["created_at"],
        updated_at=document["updated_at"],
        version=document["version"],
    )


def _billing(document: dict[str, Any]) -> BillingInfo:
    methods = tuple(PaymentMethod(**method) for method in document.get("payment_methods", []))
    return BillingInfo(**document | {"payment_methods": methods})


def _preferences(document: dict[str, Any]) -> MarketingPreferences:
    limits = document["budget_range"]
    budget_range = (
        BudgetRange(min=Money.from_dict(limits["min"]), max=Money.from_dict(limits["max"]))
        if limits
        else None
    )
    return MarketingPreferences(
        target_demographics=document["target_demographics"],
        content_categories=document["content_categories"],
        budget_range=budget_range,
    )
