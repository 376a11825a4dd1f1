"""Brand on the broker."""

from __future__ import annotations

from typing import Any

from brand import clients, handlers, schemas, storage
from brand.domain.profile import Profile
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import Service


class BrandService(Service):
    name = "brand"

    profiles = MongoStore(storage.MongoProfiles)
    teams = MongoStore(storage.MongoTeams)
    inbox = MongoInbox()
    payments = RpcClient("payment", clients.Payments)

    @rpc(callers={"gateway"})
    def get_profile(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        profile = handlers.get_profile(self.profiles, self.clock, self.principal)
        return self._shown(profile)

    @rpc(callers={"gateway"})
    def update_profile(self, request: dict[str, Any]) -> Any:
        patch = schemas.UpdateProfile().load(request)
        profile = handlers.update_profile(self.profiles, self.clock, self.principal, patch)
        return self._shown(profile)

    @rpc(callers={"gateway"})
    def request_verification(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        profile = handlers.request_verification(self.profiles, self.clock, self.principal)
        return self._shown(profile)

    @rpc(callers={"gateway"})
    def add_payment_method(self, request: dict[str, Any]) -> Any:
        command = schemas.AddPaymentMethod().load(request)
        method = handlers.add_payment_method(
            self.profiles, self.payments, self.clock, self.new_id, self.principal, **command
        )
        return schemas.PaymentMethod().dump(method)

    @rpc(callers={"gateway"})
    def remove_payment_method(self, request: dict[str, Any]) -> Any:
        command = schemas.PaymentMethodRef().load(request)
        handlers.remove_payment_method(self.profiles, self.clock, self.principal, **command)
        return {}

    @rpc(callers={"gateway", "campaign"})
    def public_profile(self, request: dict[str, Any]) -> Any:
        query = schemas.PublicProfileQuery().load(request)
        profile = handlers.public_profile(self.profiles, **query)
        return schemas.PublicProfile().dump(profile)

    @rpc(callers={"gateway"})
    def list_team(self, request: dict[str, Any]) -> Any:
        query = schemas.ListTeam().load(request)
        page = handlers.list_team(self.profiles, self.teams, self.clock, self.principal, **query)
        return schemas.PersonPage().dump(page)

    @rpc(callers={"gateway"})
    def invite(self, request: dict[str, Any]) -> Any:
        command = schemas.InvitePerson().load(request)
        person = handlers.invite(self.teams, self.clock, self.new_id, self.principal, **command)
        return schemas.Person().dump(person)

    @rpc(callers={"gateway"})
    def withdraw_invitation(self, request: dict[str, Any]) -> Any:
        command = schemas.OwnInvitationRef().load(request)
        handlers.withdraw_invitation(self.teams, self.clock, self.principal, **command)
        return {}

    @rpc(callers={"gateway"})
    def change_role(self, request: dict[str, Any]) -> Any:
        command = schemas.ChangeRole().load(request)
        return schemas.Person().dump(handlers.change_role(self.teams, self.principal, **command))

    @rpc(callers={"gateway"})
    def remove_member(self, request: dict[str, Any]) -> Any:
        command = schemas.MemberRef().load(request)
        handlers.remove_member(self.teams, self.principal, **command)
        return {}

    @rpc(callers={"gateway"})
    def leave_team(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        handlers.leave_team(self.teams, self.principal)
        return {}

    @rpc(callers={"identity"})
    def invitation(self, request: dict[str, Any]) -> Any:
        query = schemas.InvitationRef().load(request)
        return schemas.Invitation().dump(handlers.invitation(self.profiles, self.teams, self.clock, **query))

    @rpc(callers={"identity"})
    def join_team(self, request: dict[str, Any]) -> Any:
        command = schemas.JoinTeam().load(request)
        return schemas.Membership().dump(handlers.join_team(self.teams, self.clock, **command))

    @rpc(callers={"identity"})
    def memberships(self, request: dict[str, Any]) -> Any:
        query = schemas.MembershipsQuery().load(request)
        return schemas.Memberships().dump({"memberships": handlers.memberships(self.teams, **query)})

    @event_handler("identity", "brand_registered")
    def on_brand_registered(self, event: ReceivedEvent) -> None:
        handlers.start_profile(self.profiles, event)

    def _shown(self, profile: Profile) -> Any:
        return schemas.Profile(exclude=handlers.hidden_from(self.principal)).dump(profile)
