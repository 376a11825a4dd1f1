"""The streamer service: entrypoints alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from chassis.config import Secret, Settings
from chassis.crypto import SecretBox
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.extensions import Configuration
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.server import rpc
from chassis.service import Service
from streamer import clients, handlers, schemas, storage


@dataclass(frozen=True, kw_only=True)
class StreamerSettings(Settings):
    twitch_auth_url: str = "https://id.twitch.tv"
    twitch_api_url: str = "https://api.twitch.tv"
    twitch_client_id: str = ""
    twitch_client_secret: Secret[str] = Secret("")  # noqa: RUF009
    sample_seconds: int = 30


class Platforms(DependencyProvider):
    """One client of the streaming platforms, with one pool of connections and one token."""

    configuration = Configuration()

    def setup(self) -> None:
        settings = self.configuration.settings
        self._twitch = clients.Twitch(
            auth_url=settings.twitch_auth_url,
            api_url=settings.twitch_api_url,
            client_id=settings.twitch_client_id,
            client_secret=settings.twitch_client_secret.reveal(),
        )
        self._platforms = clients.Platforms(self._twitch)

    def stop(self) -> None:
        self._twitch.close()

    def get_dependency(self, worker_ctx: WorkerContext) -> clients.Platforms:
        return self._platforms


class Vault(DependencyProvider):
    """Seals payout details; a service without a key does not start."""

    configuration = Configuration()

    def setup(self) -> None:
        self._box = SecretBox(self.configuration.settings.secrets_key.reveal())

    def get_dependency(self, worker_ctx: WorkerContext) -> SecretBox:
        return self._box


class Turns(DependencyProvider):
    """The process's locks by which one worker samples for all who wait."""

    def setup(self) -> None:
        self._stripes = clients.Stripes()

    def get_dependency(self, worker_ctx: WorkerContext) -> clients.Stripes:
        return self._stripes


class StreamerService(Service):
    name = "streamer"
    settings_class = StreamerSettings

    streamers = MongoStore(storage.MongoStreamers)
    samples = MongoStore(storage.MongoSamples)
    inbox = MongoInbox()
    channels = Platforms()
    vault = Vault()
    turns = Turns()

    @rpc(callers={"gateway"})
    def get_profile(self, request: dict[str, Any]) -> Any:
        schemas.Empty().load(request)
        streamer = handlers.get_profile(self.streamers, self.clock, self.principal)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"gateway"})
    def update_profile(self, request: dict[str, Any]) -> Any:
        command = handlers.UpdateProfile(**schemas.UpdateProfile().load(request))
        streamer = handlers.update_profile(self.streamers, self.clock, self.principal, command)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"gateway"})
    def public_profile(self, request: dict[str, Any]) -> Any:
        streamer_id = schemas.StreamerRef().load(request)["streamer_id"]
        streamer = self.streamers.get(streamer_id)
        return schemas.PublicProfile().dump(streamer)

    @rpc(callers={"gateway"})
    def link_platform(self, request: dict[str, Any]) -> Any:
        command = handlers.LinkPlatform(**schemas.LinkPlatform().load(request))
        streamer = handlers.link_platform(self.streamers, self.channels, self.clock, self.principal, command)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"gateway"})
    def unlink_platform(self, request: dict[str, Any]) -> Any:
        name = schemas.PlatformRef().load(request)["name"]
        streamer = handlers.unlink_platform(self.streamers, self.clock, self.principal, name)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"gateway"})
    def verify_platform(self, request: dict[str, Any]) -> Any:
        command = handlers.VerifyPlatform(**schemas.VerifyPlatform().load(request))
        streamer = handlers.verify_platform(self.streamers, self.clock, self.principal, command)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"gateway"})
    def set_payout_method(self, request: dict[str, Any]) -> Any:
        command = handlers.SetPayoutMethod(**schemas.SetPayoutMethod().load(request))
        streamer = handlers.set_payout_method(self.streamers, self.vault, self.clock, self.principal, command)
        return schemas.Profile().dump(streamer)

    @rpc(callers={"campaign", "participation"})
    def eligibility(self, request: dict[str, Any]) -> Any:
        streamer_id = schemas.StreamerRef().load(request)["streamer_id"]
        streamer = self.streamers.get(streamer_id)
        return schemas.Eligibility().dump(streamer)

    @rpc(callers={"participation"})
    def audience(self, request: dict[str, Any]) -> Any:
        streamer_id = schemas.StreamerRef().load(request)["streamer_id"]
        audience = handlers.audience(
            self.streamers,
            self.samples,
            self.channels,
            self.turns,
            self.clock,
            self.new_id,
            streamer_id,
            every=self.settings.sample_seconds,
        )
        return schemas.Audience().dump(audience)

    @rpc(callers={"payment"})
    def payout_destination(self, request: dict[str, Any]) -> Any:
        streamer_id = schemas.StreamerRef().load(request)["streamer_id"]
        destination = handlers.payout_destination(self.streamers, self.vault, streamer_id)
        return schemas.PayoutDestination().dump(destination)

    @event_handler("identity", "streamer_registered")
    def on_streamer_registered(self, event: ReceivedEvent) -> None:
        registered = handlers.Registration(**schemas.StreamerRegistered().load(event.data))
        handlers.welcome(self.streamers, self.clock, registered)
