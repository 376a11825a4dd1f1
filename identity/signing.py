"""The keys that sign access tokens, the tokens, and the key set that others verify them with."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key pair in base64url, as in RFC 8037; `kid` is the thumbprint of RFC 7638."""

    kid: str
    x: str
    d: str

    @classmethod
    def generate(cls) -> Self:
        private = Ed25519PrivateKey.generate()
        x = _base64url(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        d = _base64url(private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        return cls(kid=_thumbprint(x), x=x, d=d)

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(self.d + "="))

    @property
    def public_jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": self.x, "kid": self.kid, "use": "sig", "alg": ALGORITHM}


class SigningKeys(Protocol):
    def all(self, make_first: Callable[[], SigningKey]) -> list[SigningKey]:
        """Every key that tokens may carry, the one that signs first.

        When there is none, the first is made and kept; processes that start at once keep one.
        """


class AccessTokenSigner:
    def __init__(self, keys: SigningKeys, issuer: str, audience: str) -> None:
        self._keys = keys
        self._names = {"iss": issuer, "aud": audience}
        self._signing: tuple[Ed25519PrivateKey, str] | None = None

    def prepare(self) -> None:
        """Load the key that signs; on a platform's first start this makes it."""
        newest = self._keys.all(SigningKey.generate)[0]
        self._signing = (newest.private, newest.kid)

    def sign(self, claims: dict[str, Any]) -> str:
        if self._signing is None:
            self.prepare()
        assert self._signing is not None
        private, kid = self._signing
        headers = {"typ": TOKEN_TYPE, "kid": kid}
        return jwt.encode(self._names | claims, private, algorithm=ALGORITHM, headers=headers)

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        return {"keys": [key.public_jwk for key in self._keys.all(SigningKey.generate)]}


def _thumbprint(x: str) -> str:
    required_members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    canonical = json.dumps(required_members, separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
