"""The asset service: entrypoints alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eventlet import tpool
from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider

from asset import handlers, schemas, storage
from asset.links import Links
from asset.studio import LocalClaims, ProcessStudio
from chassis.clock import SystemClock
from chassis.config import ConfigurationError, Secret, Settings
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.extensions import Configuration
from chassis.mongo import MongoInbox, MongoSagas, MongoStore
from chassis.objectstore import open_store
from chassis.rpc.server import rpc
from chassis.saga import SagaRun, saga
from chassis.service import Service

LEASE_SECONDS = 45
"""Work that a crash left behind is resumed within a minute. Most files take less; while a long video is
still being worked on, the claim keeps the second attempt out."""


@dataclass(frozen=True, kw_only=True)
class AssetSettings(Settings):
    media_signing_key: Secret[str] = Secret("")  # noqa: RUF009
    media_workers: int = 2


class ObjectStore(DependencyProvider):
    configuration = Configuration()

    def setup(self) -> None:
        store = open_store(self.configuration.settings.object_store_url)
        self._objects = storage.Objects(store, tpool.execute)

    def get_dependency(self, worker_ctx: WorkerContext) -> storage.Objects:
        return self._objects


class Studio(DependencyProvider):
    """One studio per process, so that its slots bound what the machine works on at once."""

    configuration = Configuration()

    def setup(self) -> None:
        self._studio = ProcessStudio(self.configuration.settings.media_workers)

    def get_dependency(self, worker_ctx: WorkerContext) -> ProcessStudio:
        return self._studio


class Claims(DependencyProvider):
    """What this process is working on."""

    def setup(self) -> None:
        self._claims = LocalClaims()

    def get_dependency(self, worker_ctx: WorkerContext) -> LocalClaims:
        return self._claims


class SignedLinks(DependencyProvider):
    configuration = Configuration()

    def setup(self) -> None:
        signing_key = self.configuration.settings.media_signing_key
        if not signing_key:
            raise ConfigurationError("MEDIA_SIGNING_KEY is not set")
        self._links = Links(SystemClock(), signing_key.reveal())

    def get_dependency(self, worker_ctx: WorkerContext) -> Links:
        return self._links


class AssetService(Service):
    name = "asset"
    settings_class = AssetSettings

    assets = MongoStore(storage.MongoAssets)
    renditions = MongoStore(storage.MongoRenditions)
    inbox = MongoInbox()
    sagas = MongoSagas()
    objects = ObjectStore()
    studio = Studio()
    claims = Claims()
    links = SignedLinks()

    @rpc(callers={"gateway"})
    def register_upload(self, request: dict[str, Any]) -> Any:
        command = handlers.RegisterUpload(**schemas.RegisterUpload().load(request))
        asset = handlers.register_upload(
            self.assets, self.objects, self.clock, self.new_id, self.principal, command
        )
        return schemas.Asset().dump(self.links.with_urls(asset))

    @rpc(callers={"gateway"})
    def get(self, request: dict[str, Any]) -> Any:
        asset_id = schemas.AssetRef().load(request)["asset_id"]
        asset = handlers.get(self.assets, self.principal, asset_id)
        return schemas.Asset().dump(self.links.with_urls(asset))

    @rpc(callers={"campaign", "participation"})
    def describe(self, request: dict[str, Any]) -> Any:
        query = schemas.Describe().load(request)
        assets = self.assets.some(query["asset_ids"], query["owner_id"])
        return schemas.Described().dump({"assets": [self.links.with_urls(asset) for asset in assets]})

    @event_handler("asset", "asset_uploaded")
    def on_asset_uploaded(self, event: ReceivedEvent) -> None:
        asset_id = event.data["asset_id"]
        self.sagas.start(handlers.PROCESSING_SAGA, key=asset_id, data={"asset_id": asset_id})

    @saga(handlers.PROCESSING_SAGA, lease_seconds=LEASE_SECONDS)
    def processing(self, run: SagaRun) -> None:
        run.advance(
            handlers.processing_steps(
                self.assets, self.renditions, self.objects, self.studio, self.claims, self.clock
            )
        )
