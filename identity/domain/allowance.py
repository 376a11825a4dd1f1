"""How often mail may be asked for: a mailbox of somebody else's is not to be filled through us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from identity.domain.lockout import Suspect

WINDOW = timedelta(hours=1)

# Enough for a mail that was overlooked and one that was deleted.
PER_ACCOUNT = 3

# A household or an office shares one address.
PER_ADDRESS = 30


@dataclass(frozen=True)
class Asker:
    """Who is counted, under which key, and how often it may ask within the window."""

    key: str
    allowed: int

    @classmethod
    def account(cls, purpose: str, kind: str, email: str) -> Self:
        """By what was typed in, not by what exists, so that a count does not tell whether there is one."""
        return cls(f"{purpose}:{Suspect.account(kind, email).key}", PER_ACCOUNT)

    @classmethod
    def address(cls, purpose: str, address: str) -> Self:
        return cls(f"{purpose}:{Suspect.address(address).key}", PER_ADDRESS)


@dataclass(kw_only=True)
class Allowance:
    """When the asker was granted something, as far back as the window reaches."""

    asker: Asker
    granted: tuple[datetime, ...] = ()
    version: int = 0

    def grant(self, at: datetime) -> bool:
        """Count one and say yes, unless the window is full."""
        recent = tuple(time for time in self.granted if at - time < WINDOW)
        if len(recent) >= self.asker.allowed:
            return False
        self.granted = (*recent, at)
        return True
