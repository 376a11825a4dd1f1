"""The OpenID Connect of Twitch and of Google, as far as we use it: a page to log in at, tokens, keys.

The two differ in their paths, in who gets a refresh token, and in how they word a refusal; each follows its
provider: https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/ and
https://developers.google.com/identity/openid-connect/openid-connect. What is under /_control is neither's:

    PUT  /_control/people/{subject}   {username, email, email_verified}: somebody who can log in there
    POST /_control/revoke/{subject}   takes back every token of theirs
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Blueprint, Response, jsonify, redirect, render_template_string, request

CODE_SECONDS = 60
KEY_BITS = 2048
KID = "1"

PAGE = """<!doctype html><html lang="en"><title>Log in at {{ name }}</title>
<h1>Log in at {{ name }}</h1>
<form method="post">
{% for subject, person in people %}<button name="subject" value="{{ subject }}">{{ person.username }}</button>
{% endfor %}<button name="subject" value="">Cancel</button>
</form></html>"""


@dataclass(frozen=True)
class Shape:
    """What sets one provider apart: its paths, below the issuer, and how long its access tokens live."""

    name: str
    issuer_path: str
    authorize: str
    token: str
    keys: str
    username_claim: str
    token_seconds: int


TWITCH = Shape(
    "Twitch", "/oauth2", "/oauth2/authorize", "/oauth2/token", "/oauth2/keys", "preferred_username", 14_346
)
GOOGLE = Shape("Google", "", "/o/oauth2/v2/auth", "/token", "/oauth2/v3/certs", "name", 3599)


@dataclass(frozen=True)
class Person:
    username: str
    email: str
    email_verified: bool


@dataclass(frozen=True)
class Grant:
    """What somebody allowed a client, until the client exchanges the code for tokens."""

    subject: str
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


@dataclass
class OpenId:
    """A provider's people, codes and tokens. It forgets all of them when it ends."""

    shape: Shape
    client_id: str
    client_secret: str
    redirect_uris: Sequence[str]
    people: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        self._grants: dict[str, Grant] = {}
        self._refresh_tokens: dict[str, str] = {}

    @property
    def jwk(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {**public, "kid": KID, "use": "sig", "alg": "RS256"}

    def grant(self, subject: str, asked: dict[str, str]) -> str:
        code = secrets.token_urlsafe(24)
        challenge, nonce = asked.get("code_challenge", ""), asked.get("nonce", "")
        with self._lock:
            self._grants[code] = Grant(
                subject, asked["redirect_uri"], challenge, nonce, time.monotonic() + CODE_SECONDS
            )
        return code

    def take_grant(self, code: str, redirect_uri: str, verifier: str) -> Grant | None:
        """A code is good once, for the same redirect address and the verifier of its challenge (RFC 7636)."""
        with self._lock:
            grant = self._grants.pop(code, None)
        if grant is None or time.monotonic() > grant.until or redirect_uri != grant.redirect_uri:
            return None
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return grant if not grant.challenge or challenge == grant.challenge else None

    def tokens_for(self, subject: str) -> dict[str, Any]:
        refresh_token = secrets.token_urlsafe(32)
        with self._lock:
            self._refresh_tokens[refresh_token] = subject
        return {
            "access_token": secrets.token_urlsafe(24),
            "refresh_token": refresh_token,
            "expires_in": self.shape.token_seconds,
            "token_type": "bearer",
        }

    def id_token(self, issuer: str, grant: Grant) -> str:
        person, now = self.people[grant.subject], int(time.time())
        claims = {
            "iss": issuer,
            "aud": self.client_id,
            "azp": self.client_id,
            "sub": grant.subject,
            "iat": now,
            "exp": now + 900,
            "nonce": grant.nonce,
            "email": person.email,
            "email_verified": person.email_verified,
            self.shape.username_claim: person.username,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KID})

    def owner_of(self, refresh_token: str) -> str | None:
        with self._lock:
            return self._refresh_tokens.get(refresh_token)

    def revoke(self, subject: str) -> None:
        with self._lock:
            kept = {token: owner for token, owner in self._refresh_tokens.items() if owner != subject}
            self._refresh_tokens = kept


def blueprint(provider: OpenId) -> Blueprint:
    """Everything but the token endpoint, which Twitch shares with what its API needs."""
    shape = provider.shape
    pages = Blueprint(f"openid-{shape.name.lower()}", __name__)

    @pages.get(f"{shape.issuer_path}/.well-known/openid-configuration")
    def discovery() -> Response:
        root = request.host_url.rstrip("/")
        return jsonify(
            issuer=root + shape.issuer_path,
            authorization_endpoint=root + shape.authorize,
            token_endpoint=root + shape.token,
            jwks_uri=root + shape.keys,
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @pages.get(shape.keys)
    def keys() -> Response:
        return jsonify(keys=[provider.jwk])

    @pages.route(shape.authorize, methods=["GET", "POST"])
    def authorize() -> Any:
        asked = request.args.to_dict()
        if asked.get("client_id") != provider.client_id:
            return "invalid client", 400
        # Whoever is sent to another address than was registered would take the code there.
        if asked.get("redirect_uri") not in provider.redirect_uris:
            return "redirect_uri does not match", 400
        if request.method == "GET":
            return render_template_string(PAGE, name=shape.name, people=provider.people.items())
        subject = request.form.get("subject", "")
        if subject in provider.people:
            answer = {"code": provider.grant(subject, asked), "scope": asked.get("scope", "")}
        else:
            answer = {"error": "access_denied", "error_description": "The user denied you access"}
        return redirect(f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked.get('state', '')})}")

    @pages.put("/_control/people/<subject>")
    def put_person(subject: str) -> Response:
        provider.people[subject] = Person(**request.get_json())
        return jsonify(subject=subject)

    @pages.post("/_control/revoke/<subject>")
    def revoke(subject: str) -> tuple[str, int]:
        provider.revoke(subject)
        return "", 204

    return pages


def tokens(provider: OpenId) -> Response:
    """The token endpoint's answer to a code, or to a refresh token."""
    form, shape = request.form, provider.shape
    if form.get("client_id") != provider.client_id or form.get("client_secret") != provider.client_secret:
        return refusal(shape, 403, "invalid client secret", "invalid_client")
    if form.get("grant_type") == "authorization_code":
        grant = provider.take_grant(
            form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", "")
        )
        if grant is None:
            return refusal(shape, 400, "Invalid authorization code", "invalid_grant")
        issuer = request.host_url.rstrip("/") + shape.issuer_path
        return jsonify({**provider.tokens_for(grant.subject), "id_token": provider.id_token(issuer, grant)})
    if form.get("grant_type") == "refresh_token":
        subject = provider.owner_of(form.get("refresh_token", ""))
        if subject is None:
            return refusal(shape, 400, "Invalid refresh token", "invalid_grant")
        return jsonify(provider.tokens_for(subject))
    return refusal(shape, 400, "invalid grant type", "unsupported_grant_type")


def refusal(shape: Shape, status: int, message: str, code: str) -> Response:
    """Twitch words it in a way of its own; Google as RFC 6749 has it."""
    response = jsonify(
        {"status": status, "message": message}
        if shape is TWITCH
        else {"error": code, "error_description": message}
    )
    response.status_code = status
    return response
