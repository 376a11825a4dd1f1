"""Identity on the broker."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from nameko.timer import timer
from prometheus_client import Gauge

from chassis.event import ReceivedEvent
from chassis.events.consumer import event_handler
from chassis.events.topology import BY_ADMIN
from chassis.mongo import MongoInbox, MongoStore
from chassis.rpc.provider import RpcClient
from chassis.rpc.server import rpc
from chassis.service import EndUser, Service
from identity import clients, handlers, schemas, storage
from identity.dependencies import (
    AccessTokens,
    AuditedStore,
    LinkTokens,
    OpenIdProviders,
    Passwords,
    ProviderSettings,
    SealedStore,
)
from identity.domain.key_ring import Policy
from identity.qr import qr_svg
from identity.signing import new_pair

log = logging.getLogger(__name__)

AUDIT_ENTRIES = Gauge("identity_audit_entries", "Entries in the chain of the audit log; it never shrinks")

# How long an entry may be touched without a trace. A round without entries costs one indexed read.
SECONDS_BETWEEN_SEALINGS = 1

# Everybody else who tells of what is done; what is done here is in the log already.
OTHERS = ("brand", "streamer", "campaign", "participation", "payment", "asset", "notification", "analytics")

# As many random bytes as the hash that they key is long.
SESSION_SECRET_BYTES = 32

# 120 bits, which nobody guesses within the day that a one-time password lives.
ONE_TIME_PASSWORD_BYTES = 15

SECONDS_BETWEEN_RESET_ROUNDS = 1

# A key is due days after it was made, so a minute is soon enough.
SECONDS_BETWEEN_LOOKS_AT_KEYS = 60


@dataclass(frozen=True, kw_only=True)
class IdentitySettings(ProviderSettings):
    """`front_end_url` is where the links in our mails lead; without it, to the gateway's own pages."""

    front_end_url: str = ""
    # Twice as long as anybody believes a key set that could not be read again (chassis.tokens).
    signing_key_published_seconds: float = 600.0
    signing_key_lifetime_days: float = 30.0

    @property
    def signing_keys(self) -> Policy:
        return Policy(
            published_for=timedelta(seconds=self.signing_key_published_seconds),
            signs_for=timedelta(days=self.signing_key_lifetime_days),
        )


# A provider's tokens are refreshed ten minutes ahead, so that a few rounds may fail.
SECONDS_BETWEEN_TOKEN_ROUNDS = 60


class IdentityService(Service):
    name = "identity"
    settings_class = IdentitySettings

    accounts = AuditedStore(storage.MongoAccounts)
    sessions = SealedStore(storage.MongoSessions)
    failures = AuditedStore(storage.MongoFailureLog)
    links = AuditedStore(storage.MongoLinks)
    allowances = MongoStore(storage.MongoAllowances)
    reset_requests = MongoStore(storage.MongoResetRequests)
    keys = SealedStore(storage.MongoSigningKeys)
    audit = MongoStore(lambda mongo, _: storage.MongoAuditLog(mongo))
    authenticators = SealedStore(storage.MongoAuthenticators)
    passwords = Passwords()
    tokens = AccessTokens()
    link_tokens = LinkTokens()
    inbox = MongoInbox()
    teams = RpcClient("brand", clients.Teams)
    person = EndUser(in_person=True)
    oauth_flows = SealedStore(storage.MongoFlows)
    provider_links = SealedStore(storage.MongoProviderLinks)
    providers = OpenIdProviders()

    @property
    def desk(self) -> handlers.Desk:
        return handlers.Desk(
            self.sessions,
            self.tokens,
            self.clock,
            self.new_id,
            lambda: secrets.token_bytes(SESSION_SECRET_BYTES),
            handlers.SecondFactor(self.authenticators, self.failures, self.clock),
        )

    @property
    def link_address(self) -> handlers.LinkAddress:
        return handlers.LinkAddress(self.settings.front_end_url or self.settings.public_url)

    @property
    def post(self) -> handlers.Post:
        return handlers.Post(self.links, self.link_tokens, self.allowances, self.clock, self.new_id)

    @property
    def smith(self) -> handlers.Locksmith:
        return handlers.Locksmith(
            self.accounts,
            self.sessions,
            self.failures,
            self.passwords,
            self.provider_links,
            self.authenticators,
            self.post,
        )

    @property
    def reception(self) -> handlers.Reception:
        return handlers.Reception(
            self.accounts, self.failures, self.passwords, self.teams, self.desk, self.post
        )

    @rpc(callers={"gateway"})
    def register_brand(self, request: dict[str, Any]) -> Any:
        command = schemas.RegisterBrandCall().load(request)
        signed_in = handlers.register_brand(self.accounts, self.passwords, self.desk, self.post, **command)
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def register_streamer(self, request: dict[str, Any]) -> Any:
        command = schemas.RegisterStreamerCall().load(request)
        signed_in = handlers.register_streamer(self.accounts, self.passwords, self.desk, self.post, **command)
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def login(self, request: dict[str, Any]) -> Any:
        command = schemas.LoginCall().load(request)
        signed_in = handlers.login(self.accounts, self.failures, self.passwords, self.desk, **command)
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def accept_invitation(self, request: dict[str, Any]) -> Any:
        command = schemas.AcceptInvitationCall().load(request)
        signed_in = handlers.accept_invitation(self.reception, **command)
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def login_member(self, request: dict[str, Any]) -> Any:
        command = schemas.LoginMemberCall().load(request)
        signed_in = handlers.login_member(
            self.accounts, self.failures, self.passwords, self.teams, self.desk, **command
        )
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def refresh(self, request: dict[str, Any]) -> Any:
        command = schemas.RefreshCall().load(request)
        signed_in = handlers.refresh(self.accounts, self.teams, self.desk, **command)
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def verify_email(self, request: dict[str, Any]) -> Any:
        command = schemas.VerifyEmail().load(request)
        handlers.verify_email(self.accounts, self.post, **command)
        return {}

    @rpc(callers={"gateway"})
    def resend_verification(self, request: dict[str, Any]) -> Any:
        command = schemas.ResendVerification().load(request)
        handlers.resend_verification(self.accounts, self.post, self.person, **command)
        return schemas.MailOnItsWay().dump({})

    @rpc(callers={"gateway"})
    def forgot_password(self, request: dict[str, Any]) -> Any:
        command = schemas.ForgotPasswordCall().load(request)
        handlers.forgot_password(self.reset_requests, self.post, **command)
        return schemas.MailOnItsWay().dump({})

    @timer(interval=SECONDS_BETWEEN_RESET_ROUNDS)
    def send_reset_links(self) -> None:
        handlers.send_reset_links(self.reset_requests, self.accounts, self.post)

    @rpc(callers={"gateway"})
    def reset_password(self, request: dict[str, Any]) -> Any:
        command = schemas.ResetPassword().load(request)
        handlers.reset_password(self.smith, **command)
        return {}

    @rpc(callers={"gateway"})
    def change_password(self, request: dict[str, Any]) -> Any:
        command = schemas.ChangePassword().load(request)
        handlers.change_password(self.smith, self.person, **command)
        return {}

    @rpc(callers={"notification"})
    def mail_link(self, request: dict[str, Any]) -> Any:
        query = schemas.MailLink().load(request)
        link = handlers.mail_link(self.post, self.link_address, self.teams, **query)
        return schemas.LinkInMail().dump(link)

    @rpc(callers={"gateway"})
    def logout(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        handlers.logout(self.sessions, self.clock, self.person)
        return {}

    @rpc(callers={"gateway"})
    def list_sessions(self, request: dict[str, Any]) -> Any:
        query = schemas.ListSessions().load(request)
        page = handlers.list_sessions(self.sessions, self.clock, self.person, **query)
        return schemas.SessionPage().dump(page)

    @rpc(callers={"gateway"})
    def revoke_session(self, request: dict[str, Any]) -> Any:
        command = schemas.RevokeSession().load(request)
        handlers.revoke_session(self.sessions, self.clock, self.person, **command)
        return {}

    @rpc(callers={"gateway"})
    def revoked_sessions(self, request: dict[str, Any]) -> Any:
        query = schemas.ListSessions().load(request)
        page = handlers.revoked_sessions(self.sessions, self.clock, **query)
        return schemas.RevokedSessionPage().dump(page)

    @rpc(callers={"gateway"})
    def step_up(self, request: dict[str, Any]) -> Any:
        command = schemas.StepUp().load(request)
        signed_in = handlers.step_up(
            self.accounts, self.teams, self.failures, self.passwords, self.desk, self.person, **command
        )
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def get_totp(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        return schemas.Totp().dump(handlers.get_totp(self.authenticators, self.person))

    @rpc(callers={"gateway"})
    def begin_totp(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        enrolment = handlers.begin_totp(
            self.accounts,
            self.authenticators,
            self.clock,
            self.new_id,
            secrets.token_bytes,
            qr_svg,
            self.person,
        )
        return schemas.Enrolment().dump(enrolment)

    @rpc(callers={"gateway"})
    def confirm_totp(self, request: dict[str, Any]) -> Any:
        command = schemas.ConfirmTotp().load(request)
        confirmed = handlers.confirm_totp(
            self.accounts, self.teams, self.desk, secrets.token_bytes, self.person, **command
        )
        return schemas.ConfirmedTotp().dump(confirmed)

    @rpc(callers={"gateway"})
    def disable_totp(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        handlers.disable_totp(self.authenticators, self.clock, self.person)
        return {}

    @rpc(callers={"gateway"})
    def replace_recovery_codes(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        codes = handlers.replace_recovery_codes(
            self.authenticators, self.clock, secrets.token_bytes, self.person
        )
        return schemas.RecoveryCodes().dump({"recovery_codes": codes})

    @rpc(callers={"gateway"})
    def create_api_key(self, request: dict[str, Any]) -> Any:
        command = schemas.CreateApiKey().load(request)
        key = handlers.create_api_key(self.accounts, self.teams, self.desk, self.principal, **command)
        return schemas.CreatedApiKey().dump(key)

    @rpc(callers={"gateway"})
    def list_api_keys(self, request: dict[str, Any]) -> Any:
        query = schemas.ListApiKeys().load(request)
        page = handlers.list_api_keys(self.sessions, self.clock, self.principal, **query)
        return schemas.ApiKeyPage().dump(page)

    @rpc(callers={"gateway"})
    def get_api_key(self, request: dict[str, Any]) -> Any:
        query = schemas.GetApiKey().load(request)
        key = handlers.get_api_key(self.sessions, self.clock, self.principal, **query)
        return schemas.ApiKey().dump(key)

    @rpc(callers={"gateway"})
    def revoke_api_key(self, request: dict[str, Any]) -> Any:
        command = schemas.RevokeApiKey().load(request)
        handlers.revoke_api_key(self.sessions, self.clock, self.principal, **command)
        return {}

    @rpc(callers={"gateway"})
    def exchange_api_key(self, request: dict[str, Any]) -> Any:
        command = schemas.ExchangeApiKey().load(request)
        return schemas.Exchanged().dump(handlers.exchange_api_key(self.desk, **command))

    @rpc(callers={"gateway"})
    def begin_oauth(self, request: dict[str, Any]) -> Any:
        command = schemas.BeginOAuth().load(request)
        begun = handlers.begin_oauth(
            self.oauth_flows, self.providers, self.clock, secrets.token_bytes, self.principal, **command
        )
        return schemas.BegunOAuth().dump(begun)

    @rpc(callers={"gateway"})
    def finish_oauth(self, request: dict[str, Any]) -> Any:
        command = schemas.FinishOAuth().load(request)
        signed_in = handlers.finish_oauth(
            self.accounts, self.provider_links, self.oauth_flows, self.providers, self.desk, **command
        )
        return schemas.SignedIn().dump(signed_in)

    @rpc(callers={"gateway"})
    def list_provider_links(self, request: dict[str, Any]) -> Any:
        query = schemas.ListProviderLinks().load(request)
        page = handlers.list_provider_links(self.provider_links, self.principal, **query)
        return schemas.ProviderLinkPage().dump(page)

    @rpc(callers={"gateway"})
    def unlink_provider(self, request: dict[str, Any]) -> Any:
        command = schemas.UnlinkProvider().load(request)
        handlers.unlink_provider(self.accounts, self.provider_links, self.principal, **command)
        return {}

    @rpc(callers={"streamer"})
    def provider_token(self, request: dict[str, Any]) -> Any:
        query = schemas.ProviderToken().load(request)
        return schemas.ProviderTokens().dump(handlers.provider_token(self.provider_links, **query))

    @timer(interval=SECONDS_BETWEEN_TOKEN_ROUNDS)
    def refresh_provider_tokens(self) -> None:
        handlers.refresh_provider_tokens(self.provider_links, self.providers, self.clock)

    @rpc(callers=None)
    def jwks(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        return schemas.KeySet().dump(self.tokens.key_set())

    @rpc(callers={"operator"})
    def list_signing_keys(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        return schemas.SigningKeys().dump({"keys": handlers.list_keys(self.keys, self.clock)})

    @rpc(callers={"operator"})
    def rotate_signing_keys(self, request: dict[str, Any]) -> Any:
        schemas.Nothing().load(request)
        rotated = handlers.rotate_keys(self.keys, self.clock, new_pair, self.settings.signing_keys)
        return schemas.SigningKeys().dump({"keys": rotated})

    @rpc(callers={"operator"})
    def withdraw_signing_key(self, request: dict[str, Any]) -> Any:
        command = schemas.WithdrawSigningKey().load(request)
        policy = self.settings.signing_keys
        left = handlers.withdraw_key(self.keys, self.clock, new_pair, policy, **command)
        return schemas.SigningKeys().dump({"keys": left})

    @timer(interval=SECONDS_BETWEEN_LOOKS_AT_KEYS)
    def look_after_keys(self) -> None:
        handlers.look_after_keys(self.keys, self.clock, new_pair, self.settings.signing_keys)

    @rpc(callers={"gateway"})
    def explain(self, request: dict[str, Any]) -> Any:
        query = schemas.Explain().load(request)
        decision = handlers.explain(self.accounts, self.teams, self.principal, **query)
        return schemas.Decision().dump(decision)

    @rpc(callers={"operator"})
    def explain_to_operator(self, request: dict[str, Any]) -> Any:
        query = schemas.Explain().load(request)
        decision = handlers.explain_to_operator(self.accounts, self.teams, **query)
        return schemas.Decision().dump(decision)

    @rpc(callers={"gateway"})
    def invite_admin(self, request: dict[str, Any]) -> Any:
        command = schemas.InviteAdmin().load(request)
        invited = handlers.invite_admin(self.accounts, self.post, self.principal, **command)
        return schemas.InvitedAdmin().dump(invited)

    @rpc(callers={"gateway"})
    def accept_admin_invitation(self, request: dict[str, Any]) -> Any:
        command = schemas.AcceptAdminInvitation().load(request)
        handlers.accept_admin_invitation(self.smith, **command)
        return {}

    @rpc(callers={"gateway"})
    def impersonate(self, request: dict[str, Any]) -> Any:
        command = schemas.Impersonate().load(request)
        impersonating = handlers.start_impersonation(self.accounts, self.desk, self.principal, **command)
        return schemas.Impersonating().dump(impersonating)

    @rpc(callers={"gateway"})
    def list_audit(self, request: dict[str, Any]) -> Any:
        query = schemas.ListAudit().load(request)
        return schemas.AuditPage().dump(handlers.list_audit(self.audit, self.clock, self.principal, **query))

    @rpc(callers={"gateway"})
    def list_security_events(self, request: dict[str, Any]) -> Any:
        query = schemas.ListSecurityEvents().load(request)
        page = handlers.list_security_events(self.audit, self.person, **query)
        return schemas.SecurityEventPage().dump(page)

    @timer(interval=SECONDS_BETWEEN_SEALINGS)
    def seal_audit_log(self) -> None:
        """What is written to the log here shows later on that nothing was cut off the chain."""
        head = self.audit.seal()
        if head is not None:
            AUDIT_ENTRIES.set(head.seq)
            log.info("audit log: %s", head)

    @rpc(callers={"operator"})
    def create_admin(self, request: dict[str, Any]) -> Any:
        command = schemas.CreateAdmin().load(request)
        invited = handlers.create_admin(
            self.accounts, self.passwords, self.clock, self.new_id, new_one_time_password, **command
        )
        return schemas.Invited().dump(invited)

    @rpc(callers={"operator"})
    def reset_second_factor(self, request: dict[str, Any]) -> Any:
        command = schemas.ResetSecondFactor().load(request)
        account = handlers.reset_second_factor(self.smith, **command)
        return schemas.ResetAccount().dump({"account_id": account.id})

    @event_handler("brand", "team_member_invited")
    def on_invited(self, event: ReceivedEvent) -> None:
        handlers.send_invitation(self.post, event)

    @event_handler("brand", "team_role_changed", "team_member_removed")
    def on_team_changed(self, event: ReceivedEvent) -> None:
        handlers.end_member_sessions(self.sessions, self.clock, event)

    @event_handler(OTHERS, BY_ADMIN)
    def on_act_of_admin(self, event: ReceivedEvent) -> None:
        handlers.note_act(self.audit, self.sessions, self.new_id, event)

    @event_handler("brand", "team_member_joined", "team_role_changed", "team_member_removed")
    def on_team_to_be_audited(self, event: ReceivedEvent) -> None:
        handlers.note_team_change(self.failures, event)


def new_one_time_password() -> str:
    return secrets.token_urlsafe(ONE_TIME_PASSWORD_BYTES)
