"""Brand on the broker."""

from __future__ import annotations

from typing import Any

from brand import handlers, schemas, storage
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.server import rpc
from chassis.service import Service


class BrandService(Service):
    name = "brand"

    profiles = MongoStore(storage.MongoProfiles)
    inbox = MongoInbox()

    @rpc(callers={"gateway"})
    def get_profile(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        profile = handlers.get_profile(self.profiles, self.clock, self.principal)
        return schemas.Profile().dump(profile)

    @rpc(callers={"gateway"})
    def update_profile(self, request: dict[str, Any]) -> Any:
        patch = schemas.UpdateProfile().load(request)
        profile = handlers.update_profile(self.profiles, self.clock, self.principal, patch)
        return schemas.Profile().dump(profile)

    @rpc(callers={"gateway"})
    def request_verification(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        profile = handlers.request_verification(self.profiles, self.clock, self.principal)
        return schemas.Profile().dump(profile)

    @rpc(callers={"gateway", "campaign"})
    def public_profile(self, request: dict[str, Any]) -> Any:
        query = schemas.PublicProfileQuery().load(request)
        profile = handlers.public_profile(self.profiles, **query)
        return schemas.PublicProfile().dump(profile)

    @event_handler("identity", "brand_registered")
    def on_brand_registered(self, event: ReceivedEvent) -> None:
        handlers.start_profile(self.profiles, event)
