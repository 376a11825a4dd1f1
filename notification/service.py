"""The Nameko class of notification."""

from chassis import runtime

runtime.patch()

from dataclasses import dataclass
from typing import Any

import redis
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from chassis.config import Secret, Settings
from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.extensions import Configuration
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import Service
from notification import clients, handlers, rendering, schemas, storage
from notification.domain.notifications import Choice

SECONDS_BETWEEN_MAIL_ROUNDS = 1

# An inbox without Redis is slower, not broken: nobody waits longer than this for it.
REDIS_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class NotificationSettings(Settings):
    smtp_url: Secret[str] = Secret("smtp://127.0.0.1:25")  # noqa: RUF009
    mail_from: str = "Gametriggers <no-reply@gametriggers.example>"


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


class NotificationService(Service):
    name = "notification"
    settings_class = NotificationSettings

    inbox = MongoInbox()
    recipients = MongoStore(storage.MongoRecipients)
    notifications = MongoStore(storage.MongoNotifications)
    preferences = MongoStore(storage.MongoPreferences)
    mails = MongoStore(storage.MongoMailQueue)
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
        self._notify(event)

    @event_handler(
        "campaign",
        "campaign_approved",
        "campaign_rejected",
        "campaign_activated",
        "campaign_completed",
        "campaign_budget_low",
        "campaign_budget_returned",
    )
    def on_campaign_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler(
        "participation",
        "participation_applied",
        "participation_approved",
        "participation_rejected",
        "participation_removed",
    )
    def on_participation_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler(
        "payment",
        "deposit_succeeded",
        "deposit_reversed",
        "deposit_reinstated",
        "payout_paid",
        "payout_failed",
    )
    def on_payment_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler("asset", "asset_refused")
    def on_asset_event(self, event: ReceivedEvent) -> None:
        self._notify(event)

    @event_handler("notification", "notification_created", "notification_read")
    def on_unread_changed(self, event: ReceivedEvent) -> None:
        handlers.forget_unread(self.unread, event)

    def _notify(self, event: ReceivedEvent) -> None:
        handlers.notify(self.notifications, self.preferences, self.templates, self.clock, self.new_id, event)

    @timer(interval=SECONDS_BETWEEN_MAIL_ROUNDS)
    def send_mails(self) -> None:
        handlers.send_mails(self.mails, self.recipients, self.links, self.templates, self.mailer, self.clock)

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
