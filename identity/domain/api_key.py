"""API keys: what a brand's server signs in with instead of a password.

A key is a session that was opened for a program: it has fewer scopes, no refresh tokens, and a secret of
which only the hash is kept. So it is revoked as any session is, and whoever refuses ended sessions refuses
ended keys.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from chassis.errors import Conflict, NotFound, Unauthenticated, ValidationFailed
from identity.domain.account import Account
from identity.domain.permissions import NEVER_A_KEYS
from identity.domain.session import KeyFacts, Session
from identity.events import ApiKeyCreated

PREFIX = "key"
MOST_KEYS = 50

# A key without an end of its own; a session has to have one.
NEVER = timedelta(days=36_500)

_FORM = re.compile(r"gtk_([0-7][0-9a-hjkmnp-tv-z]{25})_([A-Za-z0-9_-]{43})")


class InvalidApiKey(Unauthenticated):
    code, title = "identity.invalid_api_key", "The API key is not valid"


class ApiKeyNotFound(NotFound):
    code, title = "identity.api_key_not_found", "API key not found"


class TooManyApiKeys(Conflict):
    code, title = "identity.too_many_api_keys", "The account has as many API keys as it may have"


@dataclass(frozen=True)
class PresentedKey:
    """`gtk_<the id's digits>_<secret>`, as a client sends it."""

    id: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """InvalidApiKey for what is not even shaped like one."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise InvalidApiKey()
        return cls(f"{PREFIX}_{found[1]}", found[2])

    def __str__(self) -> str:
        return f"{shown(self.id)}_{self.secret}"

    @property
    def hash(self) -> str:
        """The secret has 256 bits of chance, so a fast hash tells nobody anything."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


def shown(key_id: str) -> str:
    """How a key begins, which tells its owner which one it is, and nobody the rest."""
    return f"gtk_{key_id.removeprefix(f'{PREFIX}_')}"


def new_key(
    id: str,
    account: Account,
    secret: bytes,
    at: datetime,
    *,
    name: str,
    scopes: Collection[str],
    allowed: Collection[str],
    expires_at: datetime | None,
    made_by: str | None = None,
) -> tuple[Session, PresentedKey, list[ApiKeyCreated]]:
    """`allowed` are the scopes of whoever makes it: a key never opens more than its maker may."""
    check_scopes(scopes, allowed)
    check_expiry(expires_at, at)
    key = PresentedKey(id, base64.urlsafe_b64encode(secret).decode().rstrip("="))
    session = Session(
        id=id,
        account_id=account.id,
        kind=account.kind,
        secret=b"",
        created_at=at,
        last_used_at=at,
        rotated_at=at,
        expires_at=expires_at or at + NEVER,
        key=KeyFacts(name, tuple(sorted(scopes)), key.hash, is_used=False, made_by=made_by),
    )
    event = ApiKeyCreated(sid=id, account_id=account.id, name=name, scopes=list(session.scopes))
    return session, key, [event]


def check_scopes(scopes: Collection[str], allowed: Collection[str]) -> None:
    refused = sorted(set(scopes) - (set(allowed) - NEVER_A_KEYS))
    if refused:
        sentence = f"Not yours to give: {', '.join(refused)}."
        raise ValidationFailed("The key cannot have these scopes", {"scopes": [sentence]})


def check_expiry(expires_at: datetime | None, at: datetime) -> None:
    if expires_at is not None and not at < expires_at <= at + NEVER:
        sentence = "Must be in the future, and within a hundred years."
        raise ValidationFailed("The key would not work", {"expires_at": [sentence]})


def check_presented(session: Session, presented: PresentedKey, at: datetime) -> None:
    genuine = session.key is not None and hmac.compare_digest(session.key.secret_hash, presented.hash)
    if not genuine or not session.is_live(at):
        raise InvalidApiKey()
