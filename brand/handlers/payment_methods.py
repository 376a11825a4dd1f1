"""What a brand pays with: stored at the provider, of which we keep the reference and what may be shown."""

from __future__ import annotations

from brand.domain.profile import PaymentMethod
from brand.handlers.ports import Payments, Profiles
from brand.handlers.profiles import WRITES_BILLING, changed
from chassis.clock import Clock
from chassis.ids import NewId
from chassis.principal import ScopedCaller


def add_payment_method(
    profiles: Profiles,
    payments: Payments,
    clock: Clock,
    new_id: NewId,
    by: ScopedCaller,
    *,
    provider: str,
    reference: str,
) -> PaymentMethod:
    """The provider says what it is; a reference that it does not know is stored by nobody."""
    must_write_billing(by)
    shown = payments.describe(provider, reference)
    method = PaymentMethod(
        id=new_id("pmt"), provider=provider, reference=reference, added_at=clock.now(), **shown
    )
    profile = changed(profiles, clock, by, lambda profile: profile.add_payment_method(method))
    return profile.payment_method(provider, reference) or method


def remove_payment_method(
    profiles: Profiles, clock: Clock, by: ScopedCaller, *, payment_method_id: str
) -> None:
    must_write_billing(by)
    changed(
        profiles, clock, by, lambda profile: profile.remove_payment_method(payment_method_id, clock.now())
    )


def must_write_billing(by: ScopedCaller) -> None:
    by.must_be("brand")
    by.must_have(WRITES_BILLING)
