"""Passwords and keys of one stack: made once, kept in RUN_DIR/secrets.env, never printed."""

import base64
import secrets

from compose import envfile
from compose.layout import Layout
from compose.names import AMQP_USERS, RELATIONAL

PASSWORDS = (
    *(f"AMQP_PASSWORD_{user.upper()}" for user in AMQP_USERS),
    *(f"POSTGRES_PASSWORD_{name.upper()}" for name in RELATIONAL),
    "AMQP_PASSWORD_ADMIN",
    "POSTGRES_PASSWORD_ADMIN",
    "REDIS_PASSWORD",
    "ERLANG_COOKIE",
    "TWITCH_CLIENT_SECRET",
    "GOOGLE_CLIENT_SECRET",
    "SANDBOX_API_KEY",
    "SANDBOX_WEBHOOK_SECRET",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "PAYPAL_CLIENT_SECRET",
)
KEYS = ("SECRETS_KEY", "MEDIA_SIGNING_KEY")
KEY_BYTES = 32


def load(layout: Layout) -> dict[str, str]:
    """The stack's secrets; what is missing is made and remembered."""
    known = envfile.read(layout.secrets)
    complete = {**fresh(), **known}
    if complete != known:
        envfile.write(layout.secrets, complete)
    return complete


def fresh() -> dict[str, str]:
    passwords = {name: secrets.token_hex(16) for name in PASSWORDS}
    keys = {name: base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in KEYS}
    return {**passwords, **keys}
