"""What identity's service class is handed besides the stores: encryption, passwords, token signing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from chassis.clock import SystemClock
from chassis.crypto import SecretBox
from chassis.extensions import Configuration
from chassis.mongo import MongoConnection, MongoStore
from identity.domain.key_ring import KeyRing
from identity.handlers.keys import usable_ring
from identity.minting import DerivedLinkTokens
from identity.passwords import Argon2Passwords, read_breached
from identity.signing import AccessTokenSigner, new_pair
from identity.storage import MongoSigningKeys


class SealedStore(MongoStore):
    """A MongoStore whose factory is given a third argument, the box that encrypts fields at rest."""

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
        keys = MongoSigningKeys(self.connection.get_mongo(), secret_box(self.configuration))
        clock, policy = SystemClock(), settings.signing_keys

        def ring() -> tuple[KeyRing, datetime]:
            return usable_ring(keys, clock, new_pair, policy), clock.now()

        ring()
        self._signer = AccessTokenSigner(ring, settings.token_issuer, settings.token_audience)

    def get_dependency(self, worker_ctx: WorkerContext) -> AccessTokenSigner | None:
        return self._signer


def secret_box(configuration: Configuration) -> SecretBox:
    return SecretBox(configuration.settings.secrets_key.reveal())
