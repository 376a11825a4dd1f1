"""Access tokens, verified locally against the published keys (RFC 9068, RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from chassis.errors import Unauthenticated
from chassis.principal import Delegate, Principal

log = logging.getLogger(__name__)

MAX_TOKEN_LENGTH = 4096
"""Ours are under 1 kB; parsing a larger one would only serve somebody who wants to keep us busy."""

REFETCH_SECONDS = 2.0
"""An unknown key id makes us look for new keys, but not more often than this."""

KEYS_LIVE_SECONDS = 300.0
"""A key that was withdrawn while its issuer could not be asked is believed no longer than this."""

MAX_REMEMBERED = 4096
"""More accounts than one process serves within the life of a token; a few megabytes at the most."""

ALGORITHM = "EdDSA"
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti", "kind", "sid"]


@dataclass(frozen=True, slots=True)
class Verified:
    """Whom a token names, and what has to stay true for it to be believed again."""

    principal: Principal
    expires_at: int
    kid: str
    key: Any


class Remembered:
    """The tokens that were verified last, by their SHA-256: what is kept here opens no door.

    Only what was verified gets in, so that nobody fills it with tokens that he made up.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_digest: dict[bytes, Verified] = {}
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> Verified | None:
        return self._by_digest.get(digest)

    def put(self, digest: bytes, verified: Verified) -> None:
        with self._lock:
            if len(self._by_digest) >= self._most:
                del self._by_digest[next(iter(self._by_digest))]
            self._by_digest[digest] = verified

    def forget(self, digest: bytes) -> None:
        with self._lock:
            self._by_digest.pop(digest, None)


def audience_of(audience: str, claims: Mapping[str, Any]) -> str:
    """What a token says under `aud`: each kind of account has an audience of its own.

    It is the kind of who holds the token, so that of a delegate is the delegate's.
    """
    return f"{audience}/{claims.get('sub_kind') or claims['kind']}"


class TokenVerifier:
    """Verifies access tokens; `fetch_jwks` returns the issuer's JSON Web Key Set.

    A token that was verified is believed again until it expires or its key is published no more. Whether its
    session was revoked is for the caller to ask, each time. Whoever owns a verifier lets `keep_fresh` run
    beside it, so that a key which was withdrawn is noticed.
    """

    def __init__(self, fetch_jwks: Callable[[], dict[str, Any]], issuer: str, audience: str) -> None:
        self._fetch_jwks = fetch_jwks
        self._issuer = issuer
        self._audience = audience
        self._published: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()
        self._remembered = Remembered(MAX_REMEMBERED)

    def verify(self, token: str) -> Principal:
        """The principal that a token names; Unauthenticated when anything at all is wrong with it."""
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise Unauthenticated("the access token is not valid")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is not None:
            if self._still_holds(known):
                return known.principal
            self._remembered.forget(digest)
        verified = self._verified(token)
        self._remembered.put(digest, verified)
        return verified.principal

    def keep_fresh(self, every: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read the keys again every so many seconds, for ever; for a thread of its own."""
        while True:
            sleep(every)
            self.refresh()

    def refresh(self) -> None:
        """Read the keys again if any are known; what can't be read again in time is believed no more."""
        if not self._keys:
            return
        try:
            with self._lock:
                self._fetch()
        except Exception as error:  # noqa: BLE001  Whatever it is, the keys get older by it.
            log.warning("the published keys could not be read again: %s", error)
            if time.monotonic() - self._fetched_at > KEYS_LIVE_SECONDS:
                self._published, self._keys = {}, {}

    def _still_holds(self, known: Verified) -> bool:
        return known.expires_at > time.time() and self._keys.get(known.kid) is known.key

    def _verified(self, token: str) -> Verified:
        try:
            header = jwt.get_unverified_header(token)
            # The algorithm is ours to choose, never the token's: a header can only agree or be refused.
            if header.get("alg") != ALGORITHM or str(header.get("typ")).lower() != "at+jwt":
                raise Unauthenticated("the token is not an access token")
            kid = str(header.get("kid", ""))
            key = self._key(kid)
            claims = self._claims(token, key)
            _must_be_unambiguous(token)
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated("the access token is not valid") from error
        return Verified(_principal(claims), int(claims["exp"]), kid, key)

    def _claims(self, token: str, key: Any) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self._issuer,
            options={"require": _REQUIRED, "verify_aud": False},
        )
        # What kinds there are is the issuer's business; that the holder's and the audience agree is ours.
        if claims["aud"] != audience_of(self._audience, claims):
            raise Unauthenticated("the access token is for another audience")
        return claims

    def _key(self, kid: str) -> Any:
        if kid not in self._keys:
            self._refetch()
        try:
            return self._keys[kid]
        except KeyError:
            raise Unauthenticated("the access token was signed by an unknown key") from None

    def _refetch(self) -> None:
        with self._lock:
            if time.monotonic() - self._fetched_at < REFETCH_SECONDS and self._keys:
                return
            self._fetch()

    def _fetch(self) -> None:
        """A key that is published as before stays the same object: tokens are remembered with theirs."""
        published = {key["kid"]: key for key in self._fetch_jwks()["keys"]}
        self._keys = {kid: self._unchanged(kid, key) or _usable(key) for kid, key in published.items()}
        self._published = published
        self._fetched_at = time.monotonic()

    def _unchanged(self, kid: str, published: dict[str, Any]) -> Any:
        return self._keys.get(kid) if self._published.get(kid) == published else None


class TokenPrincipal:
    """The end user behind a call, verified when somebody first asks."""

    def __init__(self, verify: Callable[[], Principal]) -> None:
        self._verify = verify
        self._principal: Principal | None = None

    @property
    def verified(self) -> Principal:
        if self._principal is None:
            self._principal = self._verify()
        return self._principal

    @property
    def id(self) -> str:
        return self.verified.id

    @property
    def kind(self) -> str:
        return self.verified.kind

    @property
    def scopes(self) -> frozenset[str]:
        return self.verified.scopes

    @property
    def session_id(self) -> str:
        return self.verified.session_id

    @property
    def auth_time(self) -> datetime | None:
        return self.verified.auth_time

    @property
    def acr(self) -> str:
        return self.verified.acr

    @property
    def delegate(self) -> Delegate | None:
        return self.verified.delegate

    @property
    def actor_id(self) -> str:
        return self.verified.actor_id

    @property
    def is_admin(self) -> bool:
        return self.verified.is_admin

    def must_be(self, *kinds: str) -> None:
        self.verified.must_be(*kinds)

    def has(self, scope: str) -> bool:
        return self.verified.has(scope)

    def must_have(self, scope: str) -> None:
        self.verified.must_have(scope)

    def owns(self, owner_id: str) -> bool:
        return self.verified.owns(owner_id)

    def must_have_authenticated(self, acr: str, max_age: int | None, now: datetime) -> None:
        self.verified.must_have_authenticated(acr, max_age, now)


def _usable(published: dict[str, Any]) -> Any:
    return jwt.PyJWK.from_dict(published, algorithm=ALGORITHM).key


def _must_be_unambiguous(token: str) -> None:
    """ValueError for a name that occurs twice: who reads the first and who reads the last would disagree."""
    for part in token.split(".")[:2]:
        json.loads(base64.urlsafe_b64decode(part + "=="), object_pairs_hook=_without_duplicates)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _delegate(claims: dict[str, Any]) -> Delegate | None:
    """Who acts when that is not the account itself.

    A member acts for a brand: `sub`, of `sub_kind`, as `role`. An administrator who acts as somebody is the
    `act` of a token whose `sub` is that account (RFC 8693, section 4.1).
    """
    if isinstance(claims.get("act"), dict):
        return Delegate(str(claims["act"].get("sub", "")), str(claims["act"].get("kind", "")))
    if "acts_for" not in claims:
        return None
    return Delegate(str(claims["sub"]), str(claims.get("sub_kind", "")), str(claims.get("role", "")))


def _principal(claims: dict[str, Any]) -> Principal:
    delegate = _delegate(claims)
    return Principal(
        id=str(claims.get("acts_for", claims["sub"])),
        kind=str(claims["kind"]),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        session_id=str(claims["sid"]),
        auth_time=_time(claims.get("auth_time")),
        acr=str(claims.get("acr", "")),
        delegate=delegate,
    )


def _time(value: Any) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
