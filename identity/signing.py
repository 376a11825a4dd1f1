"""Signs access tokens, and publishes the key set that others verify them with."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from chassis.tokens import audience_of
from identity.domain.key_ring import KeyPair, KeyRing, SigningKey

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"


class Ring(Protocol):
    def __call__(self) -> tuple[KeyRing, datetime]:
        """The keys as they are stored now, at least one of which may sign, and what time it is."""


class AccessTokenSigner:
    """It looks at the stored keys for every token, so that no process signs with one that was withdrawn."""

    def __init__(self, ring: Ring, issuer: str, audience: str) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience

    def sign(self, claims: dict[str, Any]) -> str:
        ring, now = self._ring()
        key = ring.signing(now)
        assert key is not None
        names = {"iss": self._issuer, "aud": audience_of(self._audience, claims)}
        headers = {"typ": TOKEN_TYPE, "kid": key.kid}
        return jwt.encode(names | claims, private(key.pair), algorithm=ALGORITHM, headers=headers)

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        ring, now = self._ring()
        return {"keys": [public_jwk(key) for key in ring.published(now)]}


def new_pair() -> KeyPair:
    key = Ed25519PrivateKey.generate()
    x = _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    d = _base64url(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return KeyPair(kid=_thumbprint(x), x=x, d=d)


def private(pair: KeyPair) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(pair.d + "="))


def public_jwk(key: SigningKey) -> dict[str, str]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": key.pair.x,
        "kid": key.kid,
        "use": "sig",
        "alg": ALGORITHM,
    }


def _thumbprint(x: str) -> str:
    required_members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    canonical = json.dumps(required_members, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
