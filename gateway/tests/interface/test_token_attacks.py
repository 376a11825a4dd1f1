"""Forged access tokens over real HTTP (RFC 8725, RFC 9068): each is a 401, and none makes us ask anybody."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chassis.testing import eventually
from chassis.testing.services import Tokens
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn
from gateway.tests.surface import SCOPES

HEADER = {"alg": "EdDSA", "typ": "at+jwt", "kid": "test"}
MEGABYTE = 1024 * 1024


class Bait:
    """An address at which somebody listens whom no token may make us call."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/keys.json"

    def was_taken(self) -> bool:
        try:
            self._listener.accept()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def bait() -> Iterator[Bait]:
    laid = Bait()
    yield laid
    laid.close()


class Forger:
    """Somebody with a genuine token of his own, who wants to be an admin. With `_ours` he has our key."""

    def __init__(self, ours: Tokens, bait: Bait) -> None:
        self._ours, self._bait = ours, bait
        self._own = Ed25519PrivateKey.generate()
        self.genuine = ours.issue("brand", BRAND, SCOPES["brand"])
        self._claims = json.loads(decoded(self.genuine.split(".")[1]))

    def attacks(self) -> Iterator[tuple[str, str]]:
        yield from self._other_algorithms()
        yield from self._other_keys()
        yield from self._other_texts()
        yield from self._other_claims()

    def _other_algorithms(self) -> Iterator[tuple[str, str]]:
        payload, signature = self.genuine.split(".")[1:]
        for name in ("none", "None", "NONE", "nOnE", "", "HS256", "RS256", "ES256", "EdDsa", "Ed25519"):
            header = part(HEADER | {"alg": name})
            yield f"alg {name!r}", f"{header}.{payload}.{signature}"
            yield f"alg {name!r} without a signature", f"{header}.{payload}."
        public = base64.urlsafe_b64decode(self._ours.jwks()["keys"][0]["x"] + "=")
        for secret in (public, part_of(public).encode(), json.dumps(self._ours.jwks()).encode()):
            text = f"{part(HEADER | {'alg': 'HS256'})}.{part(self._claims | {'kind': 'admin'})}"
            mac = part_of(hmac.digest(secret, text.encode(), "sha256"))
            yield f"HS256 with the public key in {len(secret)} bytes", f"{text}.{mac}"

    def _other_keys(self) -> Iterator[tuple[str, str]]:
        own = part_of(self._own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": own, "kid": "test", "alg": "EdDSA"}
        for name, header in {
            "signed by another": {},
            "embedded jwk": {"jwk": jwk},
            "embedded jwk under another kid": {"jwk": jwk, "kid": "mine"},
            "jku": {"jku": self._bait.url},
            "jku under another kid": {"jku": self._bait.url, "kid": "mine"},
            "x5u": {"x5u": self._bait.url, "kid": "mine"},
            "x5c": {"x5c": ["MIIB"], "kid": "mine"},
            "crit": {"crit": ["exp"]},
            "foreign kid": {"kid": "another-platform"},
            "kid as a path": {"kid": "../../../../etc/passwd"},
            "kid as /dev/null": {"kid": "/dev/null"},
            "kid as an address": {"kid": self._bait.url},
            "kid as SQL": {"kid": "' UNION SELECT 'x' --"},
            "kid as a query": {"kid": {"$ne": None}},
            "kid as a number": {"kid": 0},
            "no kid": {"kid": None},
            "long kid": {"kid": "k" * 5_000},
        }.items():
            yield name, self._signed(HEADER | header, self._claims | {"kind": "admin"})

    def _other_texts(self) -> Iterator[tuple[str, str]]:
        header, payload, signature = self.genuine.split(".")
        yield "other claims, same signature", f"{header}.{part(self._claims | {'kind': 'admin'})}.{signature}"
        for length in (1, 10, len(header), len(header) + 5, len(self.genuine) // 2, len(self.genuine) - 1):
            yield f"truncated to {length}", self.genuine[:length]
        yield "no signature", f"{header}.{payload}"
        yield "four parts", f"{self.genuine}.{signature}"
        yield "twice", f"{self.genuine}{self.genuine}"
        yield "JWE shape", f"{header}.{payload}.{signature}.{payload}.{signature}"
        yield "no JSON", f"{part_of(b'{')}.{payload}.{signature}"
        yield "deep JSON", f"{part_of(b'[' * 2_000)}.{payload}.{signature}"
        yield "8 KB", "a" * 7_000

    def _other_claims(self) -> Iterator[tuple[str, str]]:
        """Signed with our key: the claim alone can be what is wrong."""
        for name in ("iss", "aud", "sub", "iat", "exp", "jti", "kind", "sid"):
            left = {key: value for key, value in self._claims.items() if key != name}
            yield f"no {name}", self._ours.sign(raw(HEADER), raw(left))
        now = int(time.time())
        for name, claims in {
            "expired": {"exp": now - 1},
            "expired long ago": {"exp": 0},
            "issued in the future": {"iat": now + 3_600},
            "not yet valid": {"nbf": now + 3_600},
            "expiry as text": {"exp": "never"},
            "other issuer": {"iss": "https://issuer.example"},
            "issuer of another case": {"iss": "Gametriggers"},
            "other audience": {"aud": "another-api/brand"},
            "audience of another kind": {"aud": "gametriggers-api/admin"},
            "audience of every kind": {"aud": [f"gametriggers-api/{kind}" for kind in SCOPES]},
            "kind of another audience": {"kind": "admin"},
            "subject as a number": {"sub": 1},
        }.items():
            yield name, self._ours.sign(raw(HEADER), raw(self._claims | claims))
        for typ in ("JWT", "jwt", "rt+jwt", "application/at+jwt", "", None):
            yield f"typ {typ!r}", self._ours.sign(raw(HEADER | {"typ": typ}), raw(self._claims))
        twice = raw(self._claims)[:-1]
        yield "kind twice", self._ours.sign(raw(HEADER), twice + b', "kind": "brand"}')
        yield "kid twice", self._ours.sign(raw(HEADER)[:-1] + b', "kid": "test"}', raw(self._claims))
        yield "refresh token", "ses_01jd2e7z5pf3rs8w6r8q6v2k20.1.aGVsbG8gd29ybGQgYW5kIGFsbCB0aGUgcmVzdA"

    def _signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        text = f"{part(header)}.{part(claims)}"
        return f"{text}.{part_of(self._own.sign(text.encode()))}"


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def part(value: Any) -> str:
    return part_of(raw(value))


def part_of(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def with_token(client: httpx.Client, token: str) -> httpx.Response:
    return client.get("/v1/wallet", headers={"Authorization": f"Bearer {token}"})


def test_forged_tokens_open_nothing_and_make_us_call_nobody(
    gunicorn: Gunicorn, tokens: Tokens, stub_service: Callable[..., Any], bait: Bait
) -> None:
    payment = stub_service("payment", wallet=lambda _: {"balances": {}})
    forger = Forger(tokens, bait)
    with httpx.Client(base_url=gunicorn.url, timeout=10) as client:
        assert with_token(client, forger.genuine).status_code == 200

        answers = {name: with_token(client, token) for name, token in forger.attacks()}

        wrong = {
            name: (answer.status_code, answer.text)
            for name, answer in answers.items()
            if (answer.status_code, answer.headers["Content-Type"]) != (401, "application/problem+json")
            or answer.json()["code"] != "unauthenticated"
            or not answer.headers["WWW-Authenticate"].startswith("Bearer")
        }
        assert wrong == {}
        assert len(answers) > 80
        assert with_token(client, forger.genuine).status_code == 200
    assert len(payment.calls["wallet"]) == 2
    assert not bait.was_taken()


def test_a_token_ends_at_its_time_and_a_megabyte_of_one_is_not_even_read(
    gunicorn: Gunicorn, tokens: Tokens, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {"balances": {}})
    token = tokens.issue("brand", BRAND, SCOPES["brand"], lifetime=timedelta(seconds=3))
    _, payload, signature = token.split(".")
    with httpx.Client(base_url=gunicorn.url, timeout=10) as client:
        assert with_token(client, token).status_code == 200

        for long in ("a" * MEGABYTE, f"{part(HEADER | {'kid': 'k' * MEGABYTE})}.{payload}.{signature}"):
            assert_not_read(client, long)

        refused = with_token(client, "a" * 9_000)
        assert (refused.status_code, refused.headers["Content-Type"]) == (431, "application/problem+json")

        # Also by the process that has verified it before.
        eventually(lambda: with_token(client, token).status_code == 401, deadline=10)


def assert_not_read(client: httpx.Client, long: str) -> None:
    """No header is that long: gunicorn ends the request, and does not wait for the rest of it."""
    began = time.monotonic()
    try:
        answer = with_token(client, long)
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
        # It was still sending when the connection was closed.
        pass
    else:
        assert (answer.status_code, answer.headers["Content-Type"]) == (431, "application/problem+json")
        assert answer.json()["code"] == "request_header_fields_too_large"
    assert time.monotonic() - began < 2
    assert client.get("/health/live").status_code == 200
