"""The streaming platforms' OpenID Connect in this service's terms.

Authlib speaks OAuth 2, PyJWT reads id tokens.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from identity.domain.provider_link import (
    TWITCH,
    YOUTUBE,
    ExternalAccount,
    Flow,
    FlowSecrets,
    OAuthFailed,
    ProviderTokens,
    ProviderUnavailable,
    TokensGone,
)

log = logging.getLogger(__name__)

TIMEOUT = (2.0, 2.5)
"""To connect and to read. Two requests of a log-in stay below the 5 s that our own callers wait."""

KEEP_METADATA_SECONDS = 3600.0
SECONDS_BETWEEN_KEY_FETCHES = 60.0
"""A key that nobody knows makes us ask again, but made-up ones do not make us ask all the time."""

LONGEST_ANSWER = 256 * 1024
LEEWAY_SECONDS = 30
ALGORITHM = "RS256"
"""What both providers sign with; an id token that names another is refused before its key is looked for."""

DEFAULT_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class ProviderFacts:
    """How a provider differs from the others; the rest is in its discovery document."""

    name: str
    scope: str
    extra: Mapping[str, str]
    username_claim: str


# The address is told only when it is asked for: https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/
TWITCH_FACTS = ProviderFacts(
    TWITCH,
    "openid user:read:email",
    {
        "claims": json.dumps(
            {"id_token": {"email": None, "email_verified": None, "preferred_username": None}},
            separators=(",", ":"),
        )
    },
    "preferred_username",
)
# A refresh token comes with consent alone: https://developers.google.com/identity/openid-connect/openid-connect
YOUTUBE_FACTS = ProviderFacts(
    YOUTUBE,
    "openid email profile https://www.googleapis.com/auth/youtube.readonly",
    {"access_type": "offline", "prompt": "consent"},
    "name",
)


@dataclass
class _Kept:
    """What a provider publishes, and when it was fetched."""

    value: dict[str, Any] = field(default_factory=dict)
    fetched_at: float = float("-inf")

    def is_older_than(self, seconds: float) -> bool:
        return time.monotonic() - self.fetched_at > seconds


class OpenIdProvider:
    """One provider, found by its issuer: discovery, authorization code with PKCE, id tokens, refreshing."""

    def __init__(
        self, facts: ProviderFacts, *, issuer: str, client_id: str, client_secret: str, redirect_uri: str
    ) -> None:
        self._facts = facts
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._metadata = _Kept()
        self._keys = _Kept()

    def authorize_url(self, secrets: FlowSecrets) -> str:
        url, _ = self._session().create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=secrets.state,
            code_verifier=secrets.verifier,
            nonce=secrets.nonce,
            **self._facts.extra,
        )
        return str(url)

    def identify(self, code: str, flow: Flow, at: datetime) -> ExternalAccount:
        with self._answers():
            try:
                answer = self._session().fetch_token(
                    self._endpoint("token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=flow.verifier,
                    redirect_uri=self._redirect_uri,
                    timeout=TIMEOUT,
                )
                claims = self._claims(str(answer["id_token"]), flow.nonce)
                return self._external(claims, _tokens(answer, at))
            except (OAuthError, KeyError, TypeError, jwt.PyJWTError) as error:
                log.warning("%s refused a log-in: %s", self._facts.name, type(error).__name__)
                raise OAuthFailed() from error

    def refreshed(self, tokens: ProviderTokens, at: datetime) -> ProviderTokens:
        with self._answers():
            try:
                session = self._session(token={"access_token": tokens.access_token, "token_type": "bearer"})
                answer = session.refresh_token(
                    self._endpoint("token_endpoint"), refresh_token=tokens.refresh_token, timeout=TIMEOUT
                )
                return _tokens(answer, at)
            except (OAuthError, KeyError, TypeError) as error:
                log.warning("%s withdrew a streamer's tokens: %s", self._facts.name, type(error).__name__)
                raise TokensGone() from error

    def _session(self, token: dict[str, str] | None = None) -> OAuth2Session:
        """One for each use: it holds somebody's token. Twitch takes the secret in the body only."""
        session = OAuth2Session(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post",
            scope=self._facts.scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token=token,
        )
        session.trust_env = False
        session.max_redirects = 0
        return session

    def _external(self, claims: Mapping[str, Any], tokens: ProviderTokens) -> ExternalAccount:
        return ExternalAccount(
            provider=self._facts.name,
            subject=str(claims["sub"]),
            username=str(claims.get(self._facts.username_claim) or ""),
            email=str(claims.get("email") or ""),
            email_verified=claims.get("email_verified") is True,
            tokens=tokens,
        )

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """OpenID Connect Core 1.0, 3.1.3.7: signature, issuer, audience, time, nonce."""
        header = jwt.get_unverified_header(id_token)
        claims: dict[str, Any] = jwt.decode(
            id_token,
            self._key(str(header.get("kid"))),
            algorithms=[ALGORITHM],
            audience=self._client_id,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )
        if claims["nonce"] != nonce or claims.get("azp", self._client_id) != self._client_id:
            raise jwt.InvalidTokenError("the id token belongs to another log-in")
        return claims

    def _key(self, kid: str) -> Any:
        if kid not in self._keys.value and self._keys.is_older_than(SECONDS_BETWEEN_KEY_FETCHES):
            found = self._fetch(self._endpoint("jwks_uri"))
            keys = {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(found).keys}
            self._keys = _Kept(keys, time.monotonic())
        return self._keys.value[kid]

    def _endpoint(self, name: str) -> str:
        """From the discovery document, which may name nothing less safe than the issuer itself."""
        if self._metadata.is_older_than(KEEP_METADATA_SECONDS):
            with self._answers():
                found = self._fetch(f"{self._issuer}/.well-known/openid-configuration")
                self._metadata = _Kept(found, time.monotonic())
        endpoint = str(self._metadata.value.get(name, ""))
        if urlsplit(endpoint).scheme != urlsplit(self._issuer).scheme:
            raise ProviderUnavailable("The provider's own description of itself makes no sense")
        return endpoint

    def _fetch(self, url: str) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(url, timeout=TIMEOUT, allow_redirects=False)
        response.raise_for_status()
        if len(response.content) > LONGEST_ANSWER:
            raise ValueError("the answer is too long")
        found = response.json()
        if not isinstance(found, dict):
            raise ValueError("the answer is no object")
        return found

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """Whatever is wrong with the way to the provider is one error. ValueError: what came is no JSON."""
        try:
            yield
        except (requests.RequestException, ValueError) as error:
            log.warning("%s does not answer: %s", self._facts.name, type(error).__name__)
            raise ProviderUnavailable() from error


def _tokens(answer: Mapping[str, Any], at: datetime) -> ProviderTokens:
    seconds = int(answer.get("expires_in") or DEFAULT_TOKEN_SECONDS)
    return ProviderTokens(
        access_token=str(answer["access_token"]),
        refresh_token=str(answer.get("refresh_token") or ""),
        expires_at=at + timedelta(seconds=seconds),
    )
