"""The use cases of identity: load, one verb of the domain, save. By what they are about."""

from identity.handlers.accounts import register_brand, register_streamer
from identity.handlers.admins import accept_admin_invitation, create_admin, invite_admin
from identity.handlers.api_keys import (
    create_api_key,
    exchange_api_key,
    get_api_key,
    list_api_keys,
    revoke_api_key,
)
from identity.handlers.audit import list_audit, list_security_events, note_act
from identity.handlers.desk import Desk, SignedIn
from identity.handlers.impersonation import start_impersonation
from identity.handlers.invitations import Reception, accept_invitation, send_invitation
from identity.handlers.keys import list_keys, look_after_keys, rotate_keys, withdraw_key
from identity.handlers.links import LinkAddress, Post, mail_link, resend_verification, verify_email
from identity.handlers.login import login
from identity.handlers.members import end_member_sessions, login_member, note_team_change
from identity.handlers.oauth import (
    begin_oauth,
    finish_oauth,
    list_provider_links,
    provider_token,
    refresh_provider_tokens,
    unlink_provider,
)
from identity.handlers.passwords import (
    Locksmith,
    change_password,
    forgot_password,
    reset_password,
    reset_second_factor,
    send_reset_links,
)
from identity.handlers.permissions import PrincipalNotFound, explain, explain_to_operator
from identity.handlers.ports import SessionOwner
from identity.handlers.retries import retried
from identity.handlers.second_factor import SecondFactor
from identity.handlers.sessions import list_sessions, logout, refresh, revoke_session, revoked_sessions
from identity.handlers.step_up import step_up
from identity.handlers.totp import (
    begin_totp,
    confirm_totp,
    disable_totp,
    get_totp,
    replace_recovery_codes,
)

__all__ = [
    "Desk",
    "LinkAddress",
    "Locksmith",
    "Post",
    "PrincipalNotFound",
    "Reception",
    "SecondFactor",
    "SessionOwner",
    "SignedIn",
    "accept_admin_invitation",
    "accept_invitation",
    "begin_oauth",
    "begin_totp",
    "change_password",
    "confirm_totp",
    "create_admin",
    "create_api_key",
    "disable_totp",
    "end_member_sessions",
    "exchange_api_key",
    "explain",
    "explain_to_operator",
    "finish_oauth",
    "forgot_password",
    "get_api_key",
    "get_totp",
    "invite_admin",
    "list_api_keys",
    "list_audit",
    "list_keys",
    "list_provider_links",
    "list_security_events",
    "list_sessions",
    "login",
    "login_member",
    "logout",
    "look_after_keys",
    "mail_link",
    "note_act",
    "note_team_change",
    "provider_token",
    "refresh",
    "refresh_provider_tokens",
    "register_brand",
    "register_streamer",
    "replace_recovery_codes",
    "resend_verification",
    "reset_password",
    "reset_second_factor",
    "retried",
    "revoke_api_key",
    "revoke_session",
    "revoked_sessions",
    "rotate_keys",
    "send_invitation",
    "send_reset_links",
    "start_impersonation",
    "step_up",
    "unlink_provider",
    "verify_email",
    "withdraw_key",
]
