"""Accounts at streaming platforms that let a streamer in: the way there and back, and what it leads to."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chassis.errors import Conflict, NotFound, ServiceUnavailable, Unauthenticated
from identity.domain.account import Account
from identity.events import ProviderLinked, ProviderUnlinked

TWITCH, YOUTUBE = "twitch", "youtube"
PROVIDERS = (TWITCH, YOUTUBE)
LINK_PREFIX = "ext"

# Long enough for a second factor at the provider, short enough that an abandoned page leads nowhere.
FLOW_LIFETIME = timedelta(minutes=10)

# Twitch's access tokens live about four hours and Google's one, so that no refresh comes too late.
REFRESH_AHEAD = timedelta(minutes=10)

# What a flow hides from everybody: as many random bytes as SHA-256 is long.
SECRET_BYTES = 32

LONGEST_NAME = 80


class ProviderNotOffered(NotFound):
    code, title = "identity.provider_not_offered", "This way in is not set up here"


class OAuthFailed(Unauthenticated):
    """Says little on purpose: whoever comes with another's state learns nothing from it."""

    code, title = "identity.oauth_failed", "The log-in at the provider did not come to an end; begin again"


class OAuthDenied(Unauthenticated):
    code, title = "identity.oauth_denied", "The log-in was refused at the provider"


class ProviderUnavailable(ServiceUnavailable):
    code, title = "identity.provider_unavailable", "The provider does not answer"


class EmailNotVerified(Conflict):
    code, title = "identity.provider_email_not_verified", "The provider has not verified your e-mail address"


class LinkRequired(Conflict):
    """A verified address elsewhere proves nothing about an account here: its owner has to say so."""

    code, title = "identity.link_required", "This e-mail address has an account; log in and link the provider"


class ProviderAccountTaken(Conflict):
    code, title = "identity.provider_account_taken", "This provider account belongs to another account"


class ProviderAlreadyLinked(Conflict):
    code, title = "identity.provider_already_linked", "Another account of this provider is linked; unlink it"


class OnlyWayIn(Conflict):
    code, title = "identity.only_way_in", "Nothing else would let you in; set a password first"


class LinkNotFound(NotFound):
    code, title = "identity.provider_not_linked", "This provider is not linked"


class TokensGone(NotFound):
    code, title = "identity.provider_tokens_gone", "The provider has withdrawn its tokens; link it again"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One way to a provider and back, good once.

    `state_hash` finds it; `binding_hash` is of what only the browser that began it has. With `account_id`
    the owner of that account, in that session, wants another way in.
    """

    state_hash: str
    binding_hash: str
    provider: str
    nonce: str
    verifier: str
    expires_at: datetime
    account_id: str | None = None
    session_id: str | None = None

    def check(self, provider: str, binding: str, at: datetime) -> None:
        is_bound = hmac.compare_digest(self.binding_hash, hash_of(binding))
        if not is_bound or provider != self.provider or at >= self.expires_at:
            raise OAuthFailed()


@dataclass(frozen=True)
class FlowSecrets:
    """`state` travels through the provider, `binding` stays in the browser as a cookie."""

    state: str
    binding: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls, random_bytes: Callable[[int], bytes]) -> FlowSecrets:
        return cls(*(base64url(random_bytes(SECRET_BYTES)) for _ in range(4)))

    def flow(
        self, provider: str, at: datetime, account_id: str | None = None, session_id: str | None = None
    ) -> Flow:
        return Flow(
            state_hash=hash_of(self.state),
            binding_hash=hash_of(self.binding),
            provider=provider,
            nonce=self.nonce,
            verifier=self.verifier,
            expires_at=at + FLOW_LIFETIME,
            account_id=account_id,
            session_id=session_id,
        )


@dataclass(frozen=True)
class ProviderTokens:
    """What acts for the streamer at the provider. `refresh_token` is empty when the provider gave none."""

    access_token: str
    refresh_token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"ProviderTokens(expires_at={self.expires_at})"


@dataclass(frozen=True)
class ExternalAccount:
    """Who somebody is at a provider, as its signed id token says. `subject` never changes."""

    provider: str
    subject: str
    username: str
    email: str
    email_verified: bool
    tokens: ProviderTokens

    @property
    def display_name(self) -> str:
        one_line = " ".join(self.username.split())
        return "".join(filter(str.isprintable, one_line))[:LONGEST_NAME] or "Streamer"


@dataclass(kw_only=True)
class ProviderLink:
    """A provider account that lets in; `tokens` is None once the provider has withdrawn them."""

    id: str
    account_id: str
    provider: str
    subject: str
    username: str
    linked_at: datetime
    tokens: ProviderTokens | None
    version: int = 1

    def renew(self, external: ExternalAccount) -> None:
        """A log-in brings newer tokens; a provider that gives no refresh token again means the old one."""
        assert external.subject == self.subject
        kept = self.tokens.refresh_token if self.tokens else ""
        self.username = external.username
        self.tokens = replace(external.tokens, refresh_token=external.tokens.refresh_token or kept)

    def replace_tokens(self, tokens: ProviderTokens) -> None:
        kept = self.tokens.refresh_token if self.tokens else ""
        self.tokens = replace(tokens, refresh_token=tokens.refresh_token or kept)

    def lose_tokens(self) -> None:
        self.tokens = None

    def unlink(self) -> list[ProviderUnlinked]:
        return [
            ProviderUnlinked(
                link_id=self.id, account_id=self.account_id, provider=self.provider, subject=self.subject
            )
        ]


def new_link(
    id: str, account: Account, external: ExternalAccount, at: datetime
) -> tuple[ProviderLink, list[ProviderLinked]]:
    link = ProviderLink(
        id=id,
        account_id=account.id,
        provider=external.provider,
        subject=external.subject,
        username=external.username,
        linked_at=at,
        tokens=external.tokens,
    )
    linked = ProviderLinked(
        link_id=id,
        account_id=account.id,
        provider=external.provider,
        subject=external.subject,
        username=external.username,
    )
    return link, [linked]


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
