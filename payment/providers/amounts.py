"""Amounts as the providers write them. Ours are minor units after ISO 4217.

https://docs.stripe.com/currencies, https://developer.paypal.com/api/rest/reference/currency-codes
"""

from __future__ import annotations

import re

from chassis.money import Money
from payment.domain.errors import ProviderRefused

WITHOUT_MINOR_UNIT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV")
) | {"XAF", "XOF", "XPF"}
WITH_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))

# Stripe still writes these with two decimals that are always zero, because it once did.
STRIPE_TIMES_100 = frozenset(("ISK", "UGX"))

# PayPal takes no decimals for these, whatever ISO 4217 says.
PAYPAL_WHOLE = frozenset(("HUF", "JPY", "TWD"))

DECIMAL = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,3}))?")


def exponent(currency: str) -> int:
    if currency in WITHOUT_MINOR_UNIT:
        return 0
    return 3 if currency in WITH_THOUSANDTHS else 2


def to_stripe(amount: Money) -> int:
    """ProviderRefused for what Stripe cannot express: of thousandths it takes tens alone."""
    if amount.currency in WITH_THOUSANDTHS and amount.amount_minor % 10:
        raise ProviderRefused(f"Stripe takes no single thousandths of {amount.currency}")
    return amount.amount_minor * (100 if amount.currency in STRIPE_TIMES_100 else 1)


def from_stripe(amount: int, currency: str) -> Money:
    code = currency.upper()
    if code not in STRIPE_TIMES_100:
        return Money(amount, code)
    if amount % 100:
        raise ValueError(f"{code} has no minor unit")
    return Money(amount // 100, code)


def to_decimal(amount: Money) -> str:
    """As PayPal writes it: "10.00", "500" of a currency without a minor unit."""
    places = exponent(amount.currency)
    whole, part = divmod(amount.amount_minor, 10**places)
    if amount.currency in PAYPAL_WHOLE:
        if part:
            raise ProviderRefused(f"PayPal takes no decimals of {amount.currency}")
        return str(whole)
    return f"{whole}.{part:0{places}}" if places else str(whole)


def from_decimal(value: str, currency: str) -> Money:
    """ValueError for what is no amount of this currency, such as a fraction of its minor unit."""
    found = DECIMAL.fullmatch(value)
    places = exponent(currency)
    if found is None:
        raise ValueError("not an amount")
    sign, whole, part = found.group(1), found.group(2), (found.group(3) or "")
    if part[places:].strip("0"):
        raise ValueError(f"{currency} has {places} decimals")
    minor = int(whole) * 10**places + int(part[:places].ljust(places, "0") or "0")
    return Money(-minor if sign else minor, currency)
