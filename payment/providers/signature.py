"""Stripe's webhook signature, and the sandbox's: `t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.

https://docs.stripe.com/webhooks/signature
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from payment.domain.errors import BadSignature

# As Stripe's libraries have it: older is a replay, or a clock that is wrong.
TOLERANCE_SECONDS = 300


def check_signature(header: str, body: str, secrets: Sequence[str], now: datetime) -> None:
    """One `v1` that fits one of the secrets is enough: while a secret is rolled, Stripe signs with both."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    at = next((value for scheme, _, value in parts if scheme == "t"), "")
    given = [value.encode() for scheme, _, value in parts if scheme == "v1"]
    expected = [signature(secret, at, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise BadSignature()
    if not at.isdecimal() or abs(int(now.timestamp()) - int(at)) > TOLERANCE_SECONDS:
        raise BadSignature("the signature is too old")


def signature(secret: str, at: str, body: str) -> str:
    return hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
