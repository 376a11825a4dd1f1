"""The keys that sign access tokens, one after the other: published, then signing, then retired.

What a key does follows from the dates of the ring alone, so a rotation is one write: it was done or was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.errors import Conflict, NotFound
from identity.domain.session import ACCESS_TOKEN_LIFETIME

# Clocks differ, and a token that was signed a moment before its key's successor took over is valid, too.
RETIRED_AFTER = ACCESS_TOKEN_LIFETIME + timedelta(minutes=5)

PUBLISHED, SIGNING, RETIRING, RETIRED, WITHDRAWN = "published", "signing", "retiring", "retired", "withdrawn"


class KeyNotFound(NotFound):
    code, title = "identity.key_not_found", "There is no such signing key"


class KeyTaken(Conflict):
    """Another process made the key of that number."""

    code, title = "identity.key_taken", "Somebody else made that key"


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key pair in base64url, as in RFC 8037; `kid` is the thumbprint of RFC 7638."""

    kid: str
    x: str
    d: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """`number` counts the keys; `d` of the pair is empty once nothing may be signed with it any more."""

    number: int
    pair: KeyPair
    made_at: datetime
    signs_from: datetime
    withdrawn_at: datetime | None = None

    @property
    def kid(self) -> str:
        return self.pair.kid

    @property
    def served(self) -> bool:
        """False for one that was withdrawn before its time came."""
        return self.withdrawn_at is None or self.withdrawn_at >= self.signs_from

    @property
    def was_lost(self) -> bool:
        return self.withdrawn_at is not None and self.served


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A key is published for so long before it signs, and signs for so long until the next one does."""

    published_for: timedelta
    signs_for: timedelta


class KeyRing:
    """All keys that there were."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys = sorted(keys, key=lambda key: key.number, reverse=True)
        self._kept = [key for key in self._keys if key.withdrawn_at is None]
        # Whoever had the key that signed may have those before it, too, so none of them comes back.
        last_lost = max((key.number for key in self._keys if key.was_lost), default=0)
        self._may_sign = [key for key in self._kept if key.number > last_lost]

    @property
    def keys(self) -> list[SigningKey]:
        """Newest first."""
        return list(self._keys)

    def get(self, kid: str) -> SigningKey:
        for key in self._keys:
            if key.kid == kid:
                return key
        raise KeyNotFound()

    def signing(self, at: datetime) -> SigningKey | None:
        """The newest whose time has come. When that was withdrawn, its successor does not wait."""
        started = [key for key in self._may_sign if key.signs_from <= at]
        return started[0] if started else self._may_sign[-1] if self._may_sign else None

    def published(self, at: datetime) -> list[SigningKey]:
        """What tokens may be signed with now, might still be, or will be; the key that signs comes first."""
        signing = self.signing(at)
        shown = [key for key in self._kept if self.state(key, at) != RETIRED]
        return sorted(shown, key=lambda key: key is not signing)

    def state(self, key: SigningKey, at: datetime) -> str:
        signing = self.signing(at)
        if key.withdrawn_at is not None:
            return WITHDRAWN
        if signing is None or key.number > signing.number:
            return PUBLISHED
        if key.number == signing.number:
            return SIGNING
        return RETIRING if at < self.retires_at(key) else RETIRED

    def retires_at(self, key: SigningKey) -> datetime:
        """When the last token that this key may have signed is over; only for one that has a successor."""
        followed = min(other.signs_from for other in self._keys if other.number > key.number and other.served)
        return followed + RETIRED_AFTER

    def is_due(self, at: datetime, policy: Policy) -> bool:
        """Whether the next key has to be published now, to take over when the newest has served its time."""
        if not self._may_sign:
            return True
        return at >= self._may_sign[0].signs_from + policy.signs_for - policy.published_for

    def next(self, pair: KeyPair, at: datetime, policy: Policy) -> SigningKey:
        """Published from now on. The first signs at once, and so does one that has none beside it."""
        number = self._keys[0].number + 1 if self._keys else 1
        signs_from = at + policy.published_for if self._may_sign else at
        return SigningKey(number=number, pair=pair, made_at=at, signs_from=signs_from)

    def waiting(self, at: datetime) -> SigningKey | None:
        """A key that is published and does not sign yet: the rotation that is under way."""
        return next((key for key in self._may_sign if self.state(key, at) == PUBLISHED), None)

    def with_needless_secrets(self, at: datetime) -> list[SigningKey]:
        """Keys whose private part nobody needs any more."""
        return [key for key in self._keys if key.pair.d and self.state(key, at) in (RETIRED, WITHDRAWN)]
