"""Authenticator apps (TOTP, RFC 6238), and the recovery codes for whoever has lost theirs."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from chassis.errors import Conflict, NotFound, Unauthenticated
from chassis.event import Event
from identity.events import RecoveryCodesReplaced, RecoveryCodeUsed, TotpDisabled, TotpEnabled, TotpReset

PREFIX = "otp"
ISSUER = "Gametriggers"

# What common apps assume whatever the address says; in an HMAC, SHA-1 is as good as ever.
ALGORITHM = SHA1()  # noqa: S303
DIGITS, STEP_SECONDS = 6, 30

# As long as what SHA-1 gives (RFC 4226, section 4).
SECRET_BYTES = 20

# Clocks of phones go wrong, and people type slowly; each further step is a code more to guess.
STEPS_EITHER_WAY = 1

RECOVERY_CODES = 10

# 50 bits: too many to guess at five attempts, and ten characters of base32 to copy from paper.
RECOVERY_CODE_LENGTH = 10

# Eight characters of base32 hold five bytes, so there is something left over.
RECOVERY_BYTES = 65


class TotpRequired(Unauthenticated):
    """Told only to somebody who knew the password."""

    code, title = "identity.totp_required", "Send a code of the authenticator app as well"


class InvalidCode(Unauthenticated):
    code, title = "identity.invalid_code", "The code is wrong, too old, or was used already"


class TotpEnabledAlready(Conflict):
    code, title = "identity.totp_enabled_already", "The account has an authenticator app already"


class NoTotp(NotFound):
    code, title = "identity.no_totp", "The account has no authenticator app"


@dataclass(kw_only=True)
class Authenticator:
    """An account's app. It counts once `confirmed_at` is set, which takes a code of it."""

    id: str
    account_id: str
    secret: bytes
    created_at: datetime
    confirmed_at: datetime | None = None
    last_step: int = 0
    recovery_hashes: tuple[str, ...] = ()
    version: int = 0

    @property
    def is_enabled(self) -> bool:
        return self.confirmed_at is not None

    @property
    def key(self) -> str:
        """For whoever types it into the app."""
        return base64.b32encode(self.secret).decode()

    def uri(self, email: str) -> str:
        """What the app reads from a QR code."""
        return self._totp.get_provisioning_uri(email, ISSUER)

    def begin_again(self, secret: bytes, at: datetime) -> None:
        self.check_is_not_enabled()
        self.secret, self.created_at, self.last_step = secret, at, 0

    def confirm(self, code: str, at: datetime, recovery_codes: Sequence[str]) -> list[Event]:
        self.check_is_not_enabled()
        self._use_up(code, at)
        self.confirmed_at = at
        self._keep(recovery_codes)
        return [TotpEnabled(authenticator_id=self.id, account_id=self.account_id)]

    def check(self, code: str, at: datetime) -> list[Event]:
        """Take a code of the app, or a recovery code, and use it up; InvalidCode when it is neither."""
        hashed = self._hash(code)
        if hashed not in self.recovery_hashes:
            self._use_up(code, at)
            return []
        self.recovery_hashes = tuple(one for one in self.recovery_hashes if one != hashed)
        left = len(self.recovery_hashes)
        return [RecoveryCodeUsed(authenticator_id=self.id, account_id=self.account_id, left=left)]

    def replace_recovery_codes(self, codes: Sequence[str]) -> list[Event]:
        self.check_is_enabled()
        self._keep(codes)
        return [RecoveryCodesReplaced(authenticator_id=self.id, account_id=self.account_id)]

    def disable(self) -> list[Event]:
        self.check_is_enabled()
        return [TotpDisabled(authenticator_id=self.id, account_id=self.account_id)]

    def reset(self) -> list[Event]:
        """By somebody who has neither the app nor a code, and does not act as the account."""
        self.check_is_enabled()
        return [TotpReset(authenticator_id=self.id, account_id=self.account_id)]

    def check_is_enabled(self) -> None:
        if not self.is_enabled:
            raise NoTotp()

    def check_is_not_enabled(self) -> None:
        if self.is_enabled:
            raise TotpEnabledAlready("Remove it first.")

    def _use_up(self, code: str, at: datetime) -> None:
        """A step is good once: whoever looked over a shoulder is too late (RFC 6238, section 5.2)."""
        now = int(at.timestamp()) // STEP_SECONDS
        for step in range(now - STEPS_EITHER_WAY, now + STEPS_EITHER_WAY + 1):
            if step > self.last_step and hmac.compare_digest(self._code_of(step), code.encode()):
                self.last_step = step
                return
        raise InvalidCode()

    def _code_of(self, step: int) -> bytes:
        return self._totp.generate(step * STEP_SECONDS)

    @property
    def _totp(self) -> TOTP:
        return TOTP(self.secret, DIGITS, ALGORITHM, STEP_SECONDS)

    def _keep(self, codes: Sequence[str]) -> None:
        self.recovery_hashes = tuple(self._hash(code) for code in codes)

    def _hash(self, code: str) -> str:
        """Keyed by the secret, which is encrypted at rest: who reads the database alone cannot try codes."""
        return hmac.new(self.secret, normal_recovery_code(code).encode(), "sha256").hexdigest()


def recovery_codes(random: bytes) -> list[str]:
    """`xxxxx-xxxxx`, made of RECOVERY_BYTES random bytes."""
    text = base64.b32encode(random).decode().lower()
    length, half = RECOVERY_CODE_LENGTH, RECOVERY_CODE_LENGTH // 2
    plain = [text[place * length : (place + 1) * length] for place in range(RECOVERY_CODES)]
    return [f"{code[:half]}-{code[half:]}" for code in plain]


def normal_recovery_code(text: str) -> str:
    """However it was copied."""
    return "".join(text.split()).replace("-", "").lower()
