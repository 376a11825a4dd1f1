"""A payment provider's view of things, in our terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chassis.money import Money
from payment.domain.reversal import Reversal

# The first look is soon, because somebody may be waiting at a screen for an order that did not get
# through; the last ones are an hour apart, because a bank transfer may take days and asking costs
# the provider something.
FIRST_CHECK_SECONDS = 1
LONGEST_WAIT_SECONDS = 3600


class Progress(StrEnum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Subject(StrEnum):
    """What a provider's object is about; OTHER is something that we do not deal in."""

    PAYMENT = "payment"
    PAYOUT = "payout"
    REVERSAL = "reversal"
    OTHER = "other"


@dataclass(frozen=True)
class Checkout:
    """What the payer's browser needs: a secret for the provider's script, or where to send the payer."""

    client_secret: str | None = None
    approve_url: str | None = None


@dataclass(frozen=True)
class ProviderObject:
    """A payment or a payout as the provider has it; `reference` is our own id of it.

    `payment_id` is the provider's id of the money that came, where that is another than of the order;
    `destination` is where a payout goes, masked as `Destination.masked` does it. None: it was not said.
    """

    id: str
    reference: str
    amount: Money
    progress: Progress
    failure: str | None = None
    payment_id: str | None = None
    destination: str | None = None
    checkout: Checkout | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProviderEvent:
    """A webhook whose signature was verified. `objection` is why it must not be applied all the same."""

    id: str
    type: str
    subject: Subject
    object: ProviderObject | Reversal
    objection: str | None = None


@dataclass(frozen=True)
class PaymentMethod:
    """What the provider lets us show of what a customer pays with; the card itself never gets here."""

    type: str
    brand: str
    last4: str
    expires: str


@dataclass(frozen=True)
class Destination:
    """Where a streamer's money goes. `account_details` is a secret."""

    method: str
    account_holder: str
    account_details: str

    @property
    def masked(self) -> str:
        return f"{self.method} ****{self.account_details[-4:]}"


PAID_BY = {"bank": "sandbox", "paypal": "paypal", "stripe": "stripe"}
"""Who pays by a streamer's method. Neither Stripe's transfers nor PayPal's payouts reach an IBAN."""


def next_check(at: datetime, attempts: int) -> datetime:
    """When to look again after so many looks: the wait doubles up to an hour."""
    wait = min(FIRST_CHECK_SECONDS * 2 ** min(attempts, 16), LONGEST_WAIT_SECONDS)
    return at + timedelta(seconds=wait)
