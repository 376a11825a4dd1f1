"""The campaign service: each entrypoint loads, calls a use case, dumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nameko.timer import timer

from campaign import clients, handlers, schemas, storage
from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler, event_handler
from chassis.mongo import MongoInbox, MongoSagas, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.saga import SagaRun, saga
from chassis.schema import PageQuery
from chassis.service import Service

Request = dict[str, Any]

# A run overshoots its end by this much at most, unless the service is down.
SWEEP_SECONDS = 5


class CampaignService(Service):
    name = "campaign"

    campaigns = MongoStore(storage.MongoCampaigns)
    inbox = MongoInbox()
    sagas = MongoSagas()
    payment = RpcClient("payment", clients.Payment)
    participations = RpcClient("participation", clients.Participations)
    streamers = RpcClient("streamer", clients.Streamers)
    assets = RpcClient("asset", clients.Assets)

    @rpc(callers={"gateway"})
    def create(self, request: Request) -> Request:
        command = schemas.CreateCampaign().load(request)
        campaign = handlers.create(self.campaigns, self.clock, self.new_id, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def update(self, request: Request) -> Request:
        command = schemas.UpdateCampaign().load(request)
        campaign = handlers.update(
            self.campaigns, self.sagas, self.clock, self.new_id, self.principal, command
        )
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def clone(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.clone_campaign(self.campaigns, self.clock, self.new_id, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def delete(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        handlers.delete(self.campaigns, self.principal, command)
        return {}

    @rpc(callers={"gateway"})
    def get(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.get(self.campaigns, self.principal, command)
        return schemas.campaign_for(self.principal.kind).dump(campaign)

    @rpc(callers={"gateway"})
    def list(self, request: Request) -> Request:
        command = schemas.ListCampaigns().load(request)
        page = handlers.list_own(self.campaigns, self.principal, command)
        return schemas.CampaignPage().dump(page)

    @rpc(callers={"gateway"})
    def history(self, request: Request) -> Request:
        command = schemas.CampaignHistory().load(request)
        page = handlers.history(self.campaigns, self.principal, command)
        return schemas.HistoryPage().dump(page)

    @rpc(callers={"gateway"})
    def submit(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.submit(self.campaigns, self.assets, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def review_queue(self, request: Request) -> Request:
        command = PageQuery().load(request)
        page = handlers.review_queue(self.campaigns, self.principal, command)
        return schemas.CampaignPage().dump(page)

    @rpc(callers={"gateway"})
    def approve(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.approve(self.campaigns, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def reject(self, request: Request) -> Request:
        command = schemas.RejectCampaign().load(request)
        campaign = handlers.reject(self.campaigns, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def activate(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.activate(self.campaigns, self.sagas, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def pause(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.pause(self.campaigns, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def resume(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.resume(self.campaigns, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def complete(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.complete(self.campaigns, self.sagas, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def cancel(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        campaign = handlers.cancel(self.campaigns, self.sagas, self.clock, self.principal, command)
        return schemas.Campaign().dump(campaign)

    @rpc(callers={"gateway"})
    def marketplace(self, request: Request) -> Request:
        command = PageQuery().load(request)
        page = handlers.marketplace(self.campaigns, self.streamers, self.clock, self.principal, command)
        return schemas.MarketplacePage().dump(page)

    @rpc(callers={"participation"})
    def check_joining(self, request: Request) -> Request:
        command = schemas.CheckJoining().load(request)
        joining = handlers.check_joining(self.campaigns, self.streamers, command)
        return schemas.Joining().dump(joining)

    @rpc(callers={"participation"})
    def delivery_plans(self, request: Request) -> Request:
        command = schemas.CampaignRefs().load(request)
        campaigns = handlers.delivery_plans(self.campaigns, command)
        return schemas.DeliveryPlans().dump({"plans": campaigns})

    @event_handler("participation", "participation_approved", "participation_left", "participation_removed")
    def on_participation(self, event: ReceivedEvent) -> None:
        handlers.record_participation(self.campaigns, self.sagas, self.clock, event)

    @batch_event_handler("payment", "earning_posted", size=200, seconds=0.1)
    def on_earnings(self, events: Sequence[ReceivedEvent]) -> None:
        handlers.record_earnings(self.campaigns, self.sagas, self.clock, events)

    @saga(handlers.ACTIVATION)
    def activation(self, run: SagaRun) -> None:
        run.advance(handlers.activation_steps(self.campaigns, self.payment, self.clock))

    @saga(handlers.BUDGET_INCREASE)
    def budget_increase(self, run: SagaRun) -> None:
        steps = handlers.budget_increase_steps(self.campaigns, self.payment, self.participations, self.clock)
        run.advance(steps)

    @saga(handlers.COMPLETION)
    def completion(self, run: SagaRun) -> None:
        run.advance(handlers.completion_steps(self.campaigns, self.payment, self.participations, self.clock))

    @timer(interval=SWEEP_SECONDS)
    def sweep(self) -> None:
        handlers.run_once(self.campaigns, self.sagas, self.clock)
