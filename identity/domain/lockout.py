"""Lock-outs: failed sign-ins are counted, and each one too many doubles the wait."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from chassis.errors import TooManyRequests
from identity.domain.account import normal_email

FIRST_LOCK = timedelta(seconds=30)

# Longer would let anybody keep a known person out; 96 guesses a day find no password that we accept.
LONGEST_LOCK = timedelta(minutes=15)

FAILURES_FORGOTTEN_AFTER = timedelta(hours=24)


class Locked(TooManyRequests):
    code, title = "identity.locked", "Too many failed attempts"


@dataclass(frozen=True)
class Suspect:
    """Whose failures are counted, and how many are allowed before the first lock."""

    key: str
    allowed: int

    @classmethod
    def account(cls, kind: str, email: str) -> Self:
        """By what was typed in, not by what exists: a lock does not tell whether there is an account."""
        digest = hashlib.sha256(f"{kind}:{normal_email(email)}".encode()).hexdigest()
        return cls(f"account:{digest}", allowed=5)

    @classmethod
    def second_factor(cls, account_id: str) -> Self:
        """By the account: nobody gets this far without its password, so no stranger can lock it."""
        return cls(f"second_factor:{account_id}", allowed=5)

    @classmethod
    def address(cls, address: str) -> Self:
        """A household or an office shares one address, so it is allowed more than an account is."""
        return cls(f"address:{_network(address)}", allowed=50)


def _network(address: str) -> str:
    """The address itself, or the /64 around an IPv6 one, since that is what one customer commonly has."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


@dataclass(kw_only=True)
class Failures:
    """The failed sign-ins of one suspect; each one beyond the allowed doubles the lock."""

    suspect: Suspect
    count: int = 0
    last_at: datetime | None = None
    locked_until: datetime | None = None
    version: int = 0

    def check_not_locked(self, at: datetime) -> None:
        if self.locked_until is not None and at < self.locked_until:
            seconds = int((self.locked_until - at).total_seconds()) + 1
            raise Locked(f"Try again in {seconds} s", retry_after=seconds)

    def add(self, at: datetime) -> None:
        """Count one; while locked nothing is counted, or a stranger could prolong a lock for ever."""
        self.check_not_locked(at)
        if self.last_at is not None and at - self.last_at > FAILURES_FORGOTTEN_AFTER:
            self.count = 0
        self.count += 1
        self.last_at = at
        self.locked_until = self._lock_end(at)

    def _lock_end(self, at: datetime) -> datetime | None:
        excess = self.count - self.suspect.allowed
        if excess < 0:
            return None
        # The exponent is bounded so that a long series of failures does not overflow the duration.
        return at + min(FIRST_LOCK * 2 ** min(excess, 10), LONGEST_LOCK)
