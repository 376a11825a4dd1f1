"""What each process of ours is told, and nothing that it does not need."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from compose.names import GATEWAY
from compose.stack import Stack

GATEWAY_WORKERS = 2

# Payments settle after two seconds here, so that the demo need not wait three days.
HOLD_SECONDS = "2"

PAYPAL_CLIENT_ID = "gametriggers-local"
PAYPAL_WEBHOOK_ID = "1JE4291016473214C"
# A receiver on this machine that is being written is tried again while its author looks on.
WEBHOOK_TIMEOUT_SECONDS = "3"
WEBHOOK_RETRY_DELAYS = "1,2,5,15,60,300,1800,7200,18000,36000"

TWITCH_CLIENT_ID = "gametriggers-local"
GOOGLE_CLIENT_ID = "gametriggers-local.apps.example"

NEEDS: Mapping[str, tuple[str, ...]] = {
    "identity": (
        "MONGO_URI",
        "SECRETS_KEY",
        "TWITCH_ISSUER",
        "TWITCH_CLIENT_ID",
        "TWITCH_CLIENT_SECRET",
        "GOOGLE_ISSUER",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
    ),
    "brand": ("MONGO_URI",),
    "streamer": (
        "MONGO_URI",
        "SECRETS_KEY",
        "TWITCH_AUTH_URL",
        "TWITCH_API_URL",
        "TWITCH_CLIENT_ID",
        "TWITCH_CLIENT_SECRET",
    ),
    "campaign": ("MONGO_URI",),
    "participation": ("MONGO_URI", "SECRETS_KEY"),
    "analytics": ("DATABASE_URL",),
    "payment": (
        "DATABASE_URL",
        "SECRETS_KEY",
        "HOLD_SECONDS",
        "SANDBOX_API_URL",
        "SANDBOX_API_KEY",
        "SANDBOX_WEBHOOK_SECRET",
        "STRIPE_API_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "PAYPAL_API_URL",
        "PAYPAL_CLIENT_ID",
        "PAYPAL_CLIENT_SECRET",
        "PAYPAL_WEBHOOK_ID",
        "PAYPAL_CA_FILE",
    ),
    "notification": (
        "MONGO_URI",
        "REDIS_URL",
        "SMTP_URL",
        "SECRETS_KEY",
        "WEBHOOK_ALLOW_LOCAL",
        "WEBHOOK_RETRY_DELAYS",
        "WEBHOOK_TIMEOUT_SECONDS",
    ),
    "asset": ("MONGO_URI", "OBJECT_STORE_URL", "MEDIA_SIGNING_KEY"),
    GATEWAY: ("REDIS_URL", "OBJECT_STORE_URL", "MEDIA_SIGNING_KEY", "ASYNCAPI_FILE"),
}


def of_process(name: str, stack: Stack, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a service or of the gateway."""
    needed = {variable: VALUES[variable](stack, name) for variable in NEEDS[name]}
    return {**common(name, stack, environ), **needed, **real_providers(name, environ)}


def common(name: str, stack: Stack, environ: Mapping[str, str]) -> dict[str, str]:
    values = {
        "AMQP_URI": stack.amqp_uri(name),
        "PUBLIC_URL": stack.public_url,
        "LOG_LEVEL": environ.get("LOG_LEVEL", "INFO"),
        "EVENTLET_NO_GREENDNS": "yes",
        "PYTHONUNBUFFERED": "1",
        **port(name, stack),
        **load_test(name, stack),
        **telemetry(environ),
        **front_end(name, environ),
    }
    if stack.presets.amqp_uri:
        values["RPC_CALLER_CHECK"] = "off"
    return values


def port(name: str, stack: Stack) -> dict[str, str]:
    """The gateway answers for its health on the port that everybody uses, and counts who comes to it."""
    if name == GATEWAY:
        return {
            "GATEWAY_PORT": str(stack.ports["GATEWAY_PORT"]),
            "GATEWAY_WORKERS": str(GATEWAY_WORKERS),
            "RATE_LIMIT_FACTOR": stack.rate_limit_factor,
        }
    return {"HEALTH_PORT": str(stack.ports[f"HEALTH_PORT_{name.upper()}"])}


def load_test(name: str, stack: Stack) -> dict[str, str]:
    """A load test makes up the time that its showings take, so it may switch off the rule about that."""
    if name == "participation" and stack.clock_rule:
        return {"CLOCK_RULE": stack.clock_rule}
    return {}


def front_end(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Where the links in mails lead, when there is a front end of its own."""
    url = environ.get("FRONT_END_URL") if name == "identity" else None
    return {"FRONT_END_URL": url} if url else {}


REAL_PROVIDERS = {
    "STRIPE_SECRET_KEY": {"STRIPE_API_URL": "https://api.stripe.com"},
    "PAYPAL_CLIENT_ID": {"PAYPAL_API_URL": "https://api-m.sandbox.paypal.com", "PAYPAL_CA_FILE": ""},
}


def real_providers(name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Keys of one's own that were set beforehand replace a stand-in's, and its address."""
    found: dict[str, str] = {}
    for variable, addresses in REAL_PROVIDERS.items() if name == "payment" else ():
        if variable in environ:
            prefix = variable.partition("_")[0]
            found |= addresses | {
                key: value for key, value in environ.items() if key.startswith(f"{prefix}_")
            }
    return found


def paypal_ca_file(stack: Stack) -> Path:
    """Where the stand-in of PayPal writes whose certificates are to be believed."""
    return stack.layout.run_dir / "paypal-ca.pem"


def telemetry(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key == "SENTRY_DSN" or key.startswith("OTEL_")}


def secret(variable: str) -> Callable[[Stack, str], str]:
    return lambda stack, name: stack.secrets[variable]


VALUES: Mapping[str, Callable[[Stack, str], str]] = {
    "MONGO_URI": lambda stack, name: stack.mongo_uri,
    "REDIS_URL": lambda stack, name: stack.redis_url,
    "DATABASE_URL": lambda stack, name: stack.database_url(name),
    "OBJECT_STORE_URL": lambda stack, name: stack.object_store_url,
    "SMTP_URL": lambda stack, name: f"smtp://127.0.0.1:{stack.ports['SMTP_PORT']}",
    "TWITCH_AUTH_URL": lambda stack, name: stack.http("TWITCH_PORT"),
    "TWITCH_API_URL": lambda stack, name: stack.http("TWITCH_PORT"),
    "TWITCH_CLIENT_ID": lambda stack, name: TWITCH_CLIENT_ID,
    "TWITCH_ISSUER": lambda stack, name: f"{stack.http('TWITCH_PORT')}/oauth2",
    "GOOGLE_ISSUER": lambda stack, name: stack.http("GOOGLE_PORT"),
    "GOOGLE_CLIENT_ID": lambda stack, name: GOOGLE_CLIENT_ID,
    "SANDBOX_API_URL": lambda stack, name: stack.http("SANDBOX_PORT"),
    "STRIPE_API_URL": lambda stack, name: stack.http("STRIPE_PORT"),
    "PAYPAL_API_URL": lambda stack, name: stack.http("PAYPAL_PORT"),
    "PAYPAL_CLIENT_ID": lambda stack, name: PAYPAL_CLIENT_ID,
    "PAYPAL_WEBHOOK_ID": lambda stack, name: PAYPAL_WEBHOOK_ID,
    "PAYPAL_CA_FILE": lambda stack, name: str(paypal_ca_file(stack)),
    "HOLD_SECONDS": lambda stack, name: HOLD_SECONDS,
    "WEBHOOK_ALLOW_LOCAL": lambda stack, name: "on",
    "WEBHOOK_RETRY_DELAYS": lambda stack, name: WEBHOOK_RETRY_DELAYS,
    "WEBHOOK_TIMEOUT_SECONDS": lambda stack, name: WEBHOOK_TIMEOUT_SECONDS,
    "ASYNCAPI_FILE": lambda stack, name: str(stack.layout.asyncapi),
    **{
        variable: secret(variable)
        for variable in (
            "SECRETS_KEY",
            "MEDIA_SIGNING_KEY",
            "TWITCH_CLIENT_SECRET",
            "GOOGLE_CLIENT_SECRET",
            "SANDBOX_API_KEY",
            "SANDBOX_WEBHOOK_SECRET",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRET",
            "PAYPAL_CLIENT_SECRET",
        )
    },
}


def of_outside(name: str, stack: Stack) -> dict[str, str]:
    """The environment of a stand-in for somebody else's system."""
    return {
        "twitch": {
            "TWITCH_PORT": str(stack.ports["TWITCH_PORT"]),
            "TWITCH_CLIENT_ID": TWITCH_CLIENT_ID,
            "TWITCH_CLIENT_SECRET": stack.secrets["TWITCH_CLIENT_SECRET"],
            "REDIRECT_URIS": callback("twitch", stack),
            "STATE_FILE": str(stack.layout.run_dir / "twitch.json"),
        },
        "google": {
            "GOOGLE_PORT": str(stack.ports["GOOGLE_PORT"]),
            "GOOGLE_CLIENT_ID": GOOGLE_CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": stack.secrets["GOOGLE_CLIENT_SECRET"],
            "REDIRECT_URIS": callback("youtube", stack),
        },
        "sandbox": {
            "SANDBOX_PORT": str(stack.ports["SANDBOX_PORT"]),
            "SANDBOX_API_KEY": stack.secrets["SANDBOX_API_KEY"],
            "SANDBOX_WEBHOOK_SECRET": stack.secrets["SANDBOX_WEBHOOK_SECRET"],
            "STRIPE_PORT": str(stack.ports["STRIPE_PORT"]),
            "STRIPE_SECRET_KEY": stack.secrets["STRIPE_SECRET_KEY"],
            "STRIPE_WEBHOOK_SECRET": stack.secrets["STRIPE_WEBHOOK_SECRET"],
            "PAYPAL_PORT": str(stack.ports["PAYPAL_PORT"]),
            "PAYPAL_CLIENT_ID": PAYPAL_CLIENT_ID,
            "PAYPAL_CLIENT_SECRET": stack.secrets["PAYPAL_CLIENT_SECRET"],
            "PAYPAL_WEBHOOK_ID": PAYPAL_WEBHOOK_ID,
            "PAYPAL_CA_FILE": str(paypal_ca_file(stack)),
            "PUBLIC_URL": stack.public_url,
        },
        "smtp": {"SMTP_PORT": str(stack.ports["SMTP_PORT"]), "MAIL_DIR": str(stack.layout.mail)},
    }[name]


def callback(provider: str, stack: Stack) -> str:
    """The one address to which a provider sends browsers back, as it is registered there."""
    return f"{stack.public_url}/v1/oauth/{provider}/callback"
