"""The Nameko class of notification."""

from chassis import runtime

runtime.patch()

import random
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import redis
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from chassis.config import Secret, Settings
from chassis.crypto import SecretBox
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.extensions import Configuration
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import Service
from notification import clients, handlers, rendering, schemas, storage
from notification.domain.notifications import Choice
from notification.domain.webhooks import SECRET_BYTES, Policy, secret_of
from notification.lanes import SharedLanes

SECONDS_BETWEEN_MAIL_ROUNDS = 1

# An inbox without Redis is slower, not broken: nobody waits longer than this for it.
REDIS_TIMEOUT_SECONDS = 1.0

SECONDS_BETWEEN_WEBHOOK_ROUNDS = 1

# Half a minute to ten hours, 23.6 hours in all.
WEBHOOK_RETRY_DELAYS = (30.0, 60.0, 300.0, 1800.0, 7200.0, 18000.0, 21600.0, 36000.0)

# How far a delay may be off, so that what failed together is not tried again together.
WEBHOOK_JITTER = (0.9, 1.1)


@dataclass(frozen=True, kw_only=True)
class NotificationSettings(Settings):
    """`webhook_allow_local` is for a stack on one machine: it lets webhooks go to private addresses, to any
    port, and without TLS.
    """

    smtp_url: Secret[str] = Secret("smtp://127.0.0.1:25")  # noqa: RUF009
    mail_from: str = "Gametriggers <no-reply@gametriggers.example>"
    webhook_retry_delays: tuple[float, ...] = WEBHOOK_RETRY_DELAYS
    webhook_timeout_seconds: float = 15.0
    webhook_patience_days: float = 5.0
    webhook_allow_local: bool = False

    @property
    def webhook_policy(self) -> Policy:
        """A lease lasts twice as long as a request may, so that a living sender keeps it."""
        return Policy(
            delays=tuple(timedelta(seconds=seconds) for seconds in self.webhook_retry_delays),
            patience=timedelta(days=self.webhook_patience_days),
            lease=timedelta(seconds=2 * self.webhook_timeout_seconds),
            allow_local=self.webhook_allow_local,
        )


class Redis(DependencyProvider):
    """Hands over a client of the service's Redis, and the prefix of its keys."""

    configuration = Configuration()

    def setup(self) -> None:
        settings = self.configuration.settings
        self._prefix = f"{settings.database_prefix}notification:"
        self._client = redis.Redis.from_url(
            settings.redis_url.reveal(),
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )

    def get_dependency(self, worker_ctx: object) -> tuple[redis.Redis, str]:
        return self._client, self._prefix


class WebhookEndpoints(MongoStore):
    """The endpoints' store, with what opens their secrets."""

    configuration = Configuration()

    def __init__(self) -> None:
        super().__init__(
            lambda mongo, outbox: storage.MongoWebhookEndpoints(
                mongo, outbox, SecretBox(self.configuration.settings.secrets_key.reveal())
            )
        )


class Poster(DependencyProvider):
    """Hands over the one client for webhooks; it has read the authorities' certificates."""

    configuration = Configuration()

    def setup(self) -> None:
        settings = self.configuration.settings
        self._poster = clients.HttpPoster(
            settings.webhook_timeout_seconds, allow_local=settings.webhook_allow_local
        )

    def get_dependency(self, worker_ctx: object) -> clients.HttpPoster:
        return self._poster


def new_webhook_secret() -> str:
    return secret_of(secrets.token_bytes(SECRET_BYTES))


def jitter() -> float:
    return random.uniform(*WEBHOOK_JITTER)  # noqa: S311  Nothing depends on nobody guessing it.


class NotificationService(Service):
    name = "notification"
    settings_class = NotificationSettings

    inbox = MongoInbox()
    recipients = MongoStore(storage.MongoRecipients)
    notifications = MongoStore(storage.MongoNotifications)
    preferences = MongoStore(storage.MongoPreferences)
    mails = MongoStore(storage.MongoMailQueue)
    webhook_endpoints = WebhookEndpoints()
    webhook_messages = MongoStore(storage.MongoWebhookMessages)
    poster = Poster()
    lanes = SharedLanes()
    redis = Redis()
    links = RpcClient("identity", clients.IdentityLinks)

    @property
    def unread(self) -> storage.RedisUnreadCounts:
        client, prefix = self.redis
        return storage.RedisUnreadCounts(client, prefix, self.notifications.count_unread)

    @property
    def templates(self) -> rendering.JinjaTemplates:
        return rendering.JinjaTemplates(self.settings.public_url)

    @property
    def sending(self) -> handlers.Sending:
        return handlers.Sending(
            self.webhook_endpoints,
            self.webhook_messages,
            self.poster,
            self.clock,
            self.settings.webhook_policy,
            jitter,
        )

    @property
    def mailer(self) -> clients.SmtpMailer:
        return clients.SmtpMailer(self.settings.smtp_url.reveal(), self.settings.mail_from)

    @event_handler(
        "identity", "brand_registered", "streamer_registered", "admin_created", "member_registered"
    )
    def on_registration(self, event: ReceivedEvent) -> None:
        handlers.register(self.recipients, self.mails, self.clock, event)
        self._notify(event)

    @event_handler(
        "identity",
        "email_verification_requested",
        "password_reset_requested",
        "team_invitation_requested",
        "password_changed",
        "refresh_token_reused",
        "totp_enabled",
        "totp_disabled",
        "totp_reset",
        "recovery_code_used",
        "impersonation_started",
        "admin_invited",
    )
    def on_account_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler("brand", "team_member_joined")
    def on_brand_event(self, event: ReceivedEvent) -> None:
        self._tell(event)

    @event_handler(
        "campaign",
        "campaign_approved",
        "campaign_rejected",
        "campaign_activated",
        "campaign_paused",
        "campaign_resumed",
        "campaign_completed",
        "campaign_cancelled",
        "campaign_budget_low",
        "campaign_budget_returned",
    )
    def on_campaign_event(self, event: ReceivedEvent) -> None:
        self._tell(event)

    @event_handler(
        "participation",
        "participation_applied",
        "participation_approved",
        "participation_rejected",
        "participation_left",
        "participation_removed",
        "participation_completed",
    )
    def on_participation_event(self, event: ReceivedEvent) -> None:
        self._tell(event)

    @event_handler(
        "payment",
        "deposit_succeeded",
        "deposit_reversed",
        "deposit_reinstated",
        "payout_paid",
        "payout_failed",
    )
    def on_payment_event(self, event: ReceivedEvent) -> None:
        self._tell(event)

    @event_handler("asset", "asset_ready", "asset_refused")
    def on_asset_event(self, event: ReceivedEvent) -> None:
        self._tell(event)

    @event_handler("notification", "webhook_endpoint_disabled")
    def on_webhook_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler("notification", "notification_created", "notification_read")
    def on_unread_changed(self, event: ReceivedEvent) -> None:
        handlers.forget_unread(self.unread, event)

    def _tell(self, event: ReceivedEvent) -> None:
        """People and servers, in one transaction."""
        self._notify(event)
        handlers.enqueue(self.webhook_endpoints, self.webhook_messages, self.clock, self.new_id, event)

    def _notify(self, event: ReceivedEvent) -> None:
        handlers.notify(self.notifications, self.preferences, self.templates, self.clock, self.new_id, event)

    @timer(interval=SECONDS_BETWEEN_MAIL_ROUNDS)
    def send_mails(self) -> None:
        handlers.send_mails(self.mails, self.recipients, self.links, self.templates, self.mailer, self.clock)

    @timer(interval=SECONDS_BETWEEN_WEBHOOK_ROUNDS)
    def send_webhooks(self) -> None:
        sending = self.sending
        self.lanes.run_once(sending.lease, partial(handlers.send, sending))

    @rpc(callers={"gateway"})
    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.ListNotifications().load(request)
        page = handlers.list_inbox(self.notifications, self.principal, **query)
        return schemas.NotificationPage().dump(page)

    @rpc(callers={"gateway"})
    def mark_read(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.MarkRead().load(request)
        read = handlers.mark_read(self.notifications, self.clock, self.principal, **command)
        return schemas.Notification().dump(read)

    @rpc(callers={"gateway"})
    def unread_count(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.Nothing().load(request)
        return schemas.Unread().dump({"unread": handlers.count_unread(self.unread, self.principal)})

    @rpc(callers={"gateway"})
    def get_preferences(self, request: dict[str, Any]) -> dict[str, Any]:
        schemas.Nothing().load(request)
        preferences = handlers.get_preferences(self.preferences, self.principal)
        return schemas.Preferences().dump({"preferences": preferences})

    @rpc(callers={"gateway"})
    def set_preferences(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.SetPreferences().load(request)
        choices = [Choice(**choice) for choice in command["preferences"]]
        preferences = handlers.set_preferences(self.preferences, self.principal, choices)
        return schemas.Preferences().dump({"preferences": preferences})

    @rpc(callers={"gateway"})
    def create_webhook_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.CreateWebhookEndpoint().load(request)
        made = handlers.create_endpoint(
            self.webhook_endpoints,
            self.clock,
            self.new_id,
            new_webhook_secret,
            self.settings.webhook_allow_local,
            self.principal,
            **command,
        )
        return schemas.WebhookEndpointWithSecret().dump(made)

    @rpc(callers={"gateway"})
    def list_webhook_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.ListWebhookEndpoints().load(request)
        page = handlers.list_endpoints(self.webhook_endpoints, self.clock, self.principal, **query)
        return schemas.WebhookEndpointPage().dump(page)

    @rpc(callers={"gateway"})
    def get_webhook_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.EndpointRef().load(request)
        found = handlers.get_endpoint(self.webhook_endpoints, self.clock, self.principal, **query)
        return schemas.WebhookEndpoint().dump(found)

    @rpc(callers={"gateway"})
    def update_webhook_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.UpdateWebhookEndpoint().load(request)
        changed = handlers.update_endpoint(
            self.webhook_endpoints, self.clock, self.settings.webhook_allow_local, self.principal, **command
        )
        return schemas.WebhookEndpoint().dump(changed)

    @rpc(callers={"gateway"})
    def delete_webhook_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.EndpointRef().load(request)
        handlers.delete_endpoint(self.webhook_endpoints, self.principal, **command)
        return schemas.Nothing().dump({})

    @rpc(callers={"gateway"})
    def rotate_webhook_secret(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.EndpointRef().load(request)
        rotated = handlers.rotate_secret(
            self.webhook_endpoints, self.clock, new_webhook_secret, self.principal, **command
        )
        return schemas.WebhookEndpointWithSecret().dump(rotated)

    @rpc(callers={"gateway"})
    def test_webhook_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.EndpointRef().load(request)
        message = handlers.send_test(
            self.webhook_endpoints, self.webhook_messages, self.clock, self.new_id, self.principal, **command
        )
        return schemas.WebhookDelivery().dump(message)

    @rpc(callers={"gateway"})
    def list_webhook_deliveries(self, request: dict[str, Any]) -> dict[str, Any]:
        query = schemas.ListWebhookDeliveries().load(request)
        page = handlers.list_deliveries(
            self.webhook_endpoints, self.webhook_messages, self.principal, **query
        )
        return schemas.WebhookDeliveryPage().dump(page)

    @rpc(callers={"gateway"})
    def replay_webhook_delivery(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.DeliveryRef().load(request)
        message = handlers.replay_delivery(
            self.webhook_endpoints, self.webhook_messages, self.clock, self.principal, **command
        )
        return schemas.WebhookDelivery().dump(message)

    @rpc(callers={"gateway"})
    def replay_webhook_deliveries(self, request: dict[str, Any]) -> dict[str, Any]:
        command = schemas.EndpointRef().load(request)
        replayed = handlers.replay_parked(
            self.webhook_endpoints, self.webhook_messages, self.clock, self.principal, **command
        )
        return schemas.Replayed().dump({"replayed": replayed})
