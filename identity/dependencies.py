"""What identity's service class is handed besides the stores: encryption, passwords, token signing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from chassis.clock import SystemClock
from chassis.config import Secret, Settings
from chassis.crypto import SecretBox
from chassis.extensions import Configuration
from chassis.mongo import MongoConnection, MongoStore
from identity.domain.key_ring import KeyRing
from identity.handlers.keys import usable_ring
from identity.minting import DerivedLinkTokens
from identity.openid import TWITCH_FACTS, YOUTUBE_FACTS, OpenIdProvider, ProviderFacts
from identity.passwords import Argon2Passwords, read_breached
from identity.signing import AccessTokenSigner, new_pair
from identity.storage import AuditedOutbox, MongoAuditLog, MongoSigningKeys


@dataclass(frozen=True, kw_only=True)
class ProviderSettings(Settings):
    """A provider without a client id is not offered. Its callback is registered there as
    PUBLIC_URL/v1/oauth/<provider>/callback."""

    twitch_issuer: str = "https://id.twitch.tv/oauth2"
    twitch_client_id: str = ""
    twitch_client_secret: Secret[str] = Secret("")  # noqa: RUF009
    google_issuer: str = "https://accounts.google.com"
    google_client_id: str = ""
    google_client_secret: Secret[str] = Secret("")  # noqa: RUF009


class AuditedStore(MongoStore):
    """A MongoStore whose outbox tells the audit log of every event, too."""

    def __init__(self, factory: Callable[..., Any]) -> None:
        super().__init__(lambda mongo, outbox: factory(mongo, AuditedOutbox(outbox, MongoAuditLog(mongo))))


class SealedStore(AuditedStore):
    """One whose factory is given a third argument, the box that encrypts fields at rest."""

    configuration = Configuration()

    def __init__(self, factory: Callable[..., Any]) -> None:
        super().__init__(lambda mongo, outbox: factory(mongo, outbox, secret_box(self.configuration)))


class Passwords(DependencyProvider):
    """Argon2Passwords, one for all workers."""

    def __init__(self) -> None:
        self._passwords: Argon2Passwords | None = None

    def setup(self) -> None:
        self._passwords = Argon2Passwords(read_breached())

    def get_dependency(self, worker_ctx: WorkerContext) -> Argon2Passwords | None:
        return self._passwords


class LinkTokens(DependencyProvider):
    """DerivedLinkTokens, one for all workers."""

    configuration = Configuration()

    def __init__(self) -> None:
        self._tokens: DerivedLinkTokens | None = None

    def setup(self) -> None:
        self._tokens = DerivedLinkTokens(self.configuration.settings.secrets_key.reveal())

    def get_dependency(self, worker_ctx: WorkerContext) -> DerivedLinkTokens | None:
        return self._tokens


class AccessTokens(DependencyProvider):
    """The signer. Its key is made when the first process of the platform's first start gets here."""

    connection = MongoConnection()
    configuration = Configuration()

    def __init__(self) -> None:
        self._signer: AccessTokenSigner | None = None

    def setup(self) -> None:
        settings = self.configuration.settings
        mongo = self.connection.get_mongo()
        outbox = AuditedOutbox(self.connection.get_outbox(), MongoAuditLog(mongo))
        keys = MongoSigningKeys(mongo, outbox, secret_box(self.configuration))
        clock, policy = SystemClock(), settings.signing_keys

        def ring() -> tuple[KeyRing, datetime]:
            return usable_ring(keys, clock, new_pair, policy), clock.now()

        ring()
        self._signer = AccessTokenSigner(ring, settings.token_issuer, settings.token_audience)

    def get_dependency(self, worker_ctx: WorkerContext) -> AccessTokenSigner | None:
        return self._signer


class OpenIdProviders(DependencyProvider):
    """Those that have a client id, by name."""

    configuration = Configuration()

    def __init__(self) -> None:
        self._providers: dict[str, OpenIdProvider] = {}

    def setup(self) -> None:
        settings = self.configuration.settings
        for facts, issuer, client_id, client_secret in (
            (TWITCH_FACTS, settings.twitch_issuer, settings.twitch_client_id, settings.twitch_client_secret),
            (YOUTUBE_FACTS, settings.google_issuer, settings.google_client_id, settings.google_client_secret),
        ):
            if client_id:
                self._providers[facts.name] = _provider(facts, issuer, client_id, client_secret, settings)

    def get_dependency(self, worker_ctx: WorkerContext) -> Mapping[str, OpenIdProvider]:
        return self._providers


def _provider(
    facts: ProviderFacts, issuer: str, client_id: str, client_secret: Secret[str], settings: ProviderSettings
) -> OpenIdProvider:
    return OpenIdProvider(
        facts,
        issuer=issuer,
        client_id=client_id,
        client_secret=client_secret.reveal(),
        redirect_uri=f"{settings.public_url.rstrip('/')}/v1/oauth/{facts.name}/callback",
    )


def secret_box(configuration: Configuration) -> SecretBox:
    return SecretBox(configuration.settings.secrets_key.reveal())
