"""The participation service: each entrypoint loads the request, calls a use case, dumps its answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nameko.containers import WorkerContext
from nameko.extensions import DependencyProvider, SharedExtension

from chassis import context
from chassis.config import Settings
from chassis.crypto import SecretBox
from chassis.event import ReceivedEvent
from chassis.events.consumer import batch_event_handler, event_handler
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.schema import PageQuery
from chassis.service import Service
from participation import clients, schemas, storage
from participation.domain.verification import ClockRule
from participation.gathering import Gathering, InTurn
from participation.handlers import applications, deliveries, earnings, overlays
from participation.handlers.deliveries import Outcome, Post, Posted

Request = dict[str, Any]

SECRET_BYTES = 32

# A transaction of so many batches takes about a tenth of a second.
LARGEST_GROUP = 40

BATCH = {"size": 200, "seconds": 0.2}


@dataclass(frozen=True, kw_only=True)
class ParticipationSettings(Settings):
    """`clock_tolerance_ms` is how far an overlay's clock may be off.

    The overlay page sets its clock right by the gateway's Date header when it is off by more than 2 s, and
    that header has whole seconds. `clock_rule` is switched off by load tests, whose showings take no time.
    """

    session_seconds: int = 6 * 3_600
    clock_tolerance_ms: int = 3_000
    clock_rule: bool = True


class PostsShared(SharedExtension):
    """The container's one gathering of batches of showings."""

    def __init__(self) -> None:
        self.gathering: Gathering[Post, Posted] = Gathering(
            lambda post: post.overlay.streamer_id, LARGEST_GROUP
        )


class Posts(DependencyProvider):
    shared = PostsShared()

    def get_dependency(self, worker_ctx: WorkerContext) -> Gathering[Post, Posted]:
        return self.shared.gathering


class InboxInTurn(MongoInbox):
    """The attribute `inbox`, whose transactions take turns with the batches."""

    shared = PostsShared()

    def get_dependency(self, worker_ctx: WorkerContext) -> Any:
        inbox = super().get_dependency(worker_ctx)
        assert inbox is not None, "it is built before the first worker runs"
        return InTurn(inbox, self.shared.gathering.turn)


class ParticipationService(Service):
    name = "participation"
    settings_class = ParticipationSettings

    store = MongoStore(storage.MongoStore)
    inbox = InboxInTurn()
    posts = Posts()
    campaigns = RpcClient("campaign", clients.Campaigns)
    assets = RpcClient("asset", clients.Assets)
    audience = RpcClient("streamer", clients.Audience)

    @rpc(callers={"gateway"})
    def apply(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        found = applications.apply(
            self.store, self.campaigns, self.clock, self.new_id, self.principal, **command
        )
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def list_applications(self, request: Request) -> Request:
        command = schemas.ListApplications().load(request)
        page = applications.list_applications(self.store, self.principal, **command)
        return schemas.ParticipationPage().dump(page)

    @rpc(callers={"gateway"})
    def list_mine(self, request: Request) -> Request:
        command = PageQuery().load(request)
        page = applications.list_mine(self.store, self.principal, **command)
        return schemas.ParticipationPage().dump(page)

    @rpc(callers={"gateway"})
    def get(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = applications.get(self.store, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def approve(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = applications.approve(self.store, self.campaigns, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def reject(self, request: Request) -> Request:
        command = schemas.Reject().load(request)
        found = applications.reject(self.store, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def pause(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = applications.pause(self.store, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def resume(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = applications.resume(self.store, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def leave(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = applications.leave(self.store, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def remove(self, request: Request) -> Request:
        command = schemas.Remove().load(request)
        found = applications.remove(self.store, self.clock, self.principal, **command)
        return schemas.Participation().dump(found)

    @rpc(callers={"gateway"})
    def deliveries(self, request: Request) -> Request:
        command = schemas.ListDeliveries().load(request)
        page = deliveries.page(self.store, self.principal, **command)
        return schemas.DeliveryPage().dump(page)

    @rpc(callers={"gateway"})
    def earnings(self, request: Request) -> Request:
        command = schemas.ParticipationRef().load(request)
        found = earnings.earnings(self.store, self.principal, **command)
        return schemas.Earnings().dump(found)

    @rpc(callers={"gateway"})
    def earnings_summary(self, request: Request) -> Request:
        schemas.Nothing().load(request)
        summary = earnings.summary(self.store, self.principal)
        return schemas.EarningsSummary().dump(summary)

    @rpc(callers={"gateway", "operator"})
    def verify_earnings(self, request: Request) -> Request:
        command = schemas.CampaignRef().load(request)
        audit = earnings.verify(self.store, self.principal, **command)
        return schemas.EarningsAudit().dump(audit)

    @rpc(callers={"operator"})
    def verify_histories(self, request: Request) -> Request:
        schemas.Nothing().load(request)
        return schemas.Histories().dump(earnings.verify_histories(self.store))

    @rpc(callers={"campaign"})
    def settle(self, request: Request) -> Request:
        command = schemas.SettleCampaign().load(request)
        earned = earnings.settle(self.store, self.clock, **command)
        return schemas.Settlement().dump({"campaign_id": command["campaign_id"], "earned": earned})

    @rpc(callers={"gateway"})
    def overlay_link(self, request: Request) -> Request:
        schemas.Nothing().load(request)
        token = overlays.link(self.store, self._vault, self.clock, self.new_id, new_secret, self.principal)
        return schemas.OverlayLink().dump({"url": self._url(token), "token": token})

    @rpc(callers={"gateway"})
    def replace_overlay_link(self, request: Request) -> Request:
        schemas.Nothing().load(request)
        token = overlays.replace_link(
            self.store, self._vault, self.clock, self.new_id, new_secret, self.principal
        )
        return schemas.OverlayLink().dump({"url": self._url(token), "token": token})

    @rpc(callers={"gateway"})
    def show_test(self, request: Request) -> Request:
        schemas.Nothing().load(request)
        overlays.show_test(self.store, self._vault, self.clock, self.new_id, new_secret, self.principal)
        return {}

    @rpc(callers={"gateway"})
    def overlay_channel(self, request: Request) -> Request:
        command = schemas.OverlayToken().load(request)
        return schemas.OverlayChannel().dump({"channel": overlays.channel(self.store, **command)})

    @rpc(callers={"gateway"})
    def manifest(self, request: Request) -> Request:
        command = schemas.OverlayToken().load(request)
        manifest = overlays.manifest(
            self.store,
            self.campaigns,
            self.assets,
            self._vault,
            self.clock,
            self.new_id,
            new_secret,
            timedelta(seconds=self.settings.session_seconds),
            **command,
        )
        return schemas.Manifest().dump(manifest)

    @rpc(callers={"gateway"})
    def post_deliveries(self, request: Request) -> Request:
        command = schemas.PostDeliveries().load(request)
        post = deliveries.receive(self.store, self.audience, **command)
        posted = self.posts.submit(post, self._take_in)
        return schemas.DeliveriesPosted().dump(posted)

    @event_handler(
        "campaign",
        "campaign_activated",
        "campaign_updated",
        "campaign_paused",
        "campaign_resumed",
        "campaign_completed",
        "campaign_cancelled",
    )
    def on_campaign(self, event: ReceivedEvent) -> None:
        applications.heed_campaign(self.store, event)

    @event_handler("participation", "campaign_heard")
    def on_campaign_heard(self, event: ReceivedEvent) -> None:
        applications.follow_campaign(self.store, event)

    @batch_event_handler("payment", "earning_posted", **BATCH)
    def on_earning_posted(self, events: list[ReceivedEvent]) -> None:
        earnings.ledger_posted(self.store, events)

    def _take_in(self, posts: list[Post]) -> list[Outcome]:
        rule = ClockRule(self.settings.clock_tolerance_ms, self.settings.clock_rule)
        with context.of_many():
            return deliveries.post(self.store, self._vault, self.clock, rule, posts)

    @property
    def _vault(self) -> SecretBox:
        return SecretBox(self.settings.secrets_key.reveal())

    def _url(self, token: str) -> str:
        return f"{self.settings.public_url}/overlay/{token}"


def new_secret() -> str:
    """256 bits, in base64url without padding."""
    return secrets.token_urlsafe(SECRET_BYTES)
