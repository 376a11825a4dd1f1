"""One stack: its folder, its ports, its secrets, and where each of its servers is."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compose import broker, mongo, ports, postgres, redis_server, secrets
from compose.errors import ComposeError
from compose.layout import Layout
from compose.names import AMQP_USERS, OPERATOR, RELATIONAL
from compose.presets import Presets
from compose.supervisor import Supervisor

TLS = "TLS"

# Everybody who uses a local stack comes from one address: the demo's fifty streamers, tests, and you.
LOCAL_RATE_LIMIT_FACTOR = "100"
AMQP_PASSWORDS = tuple(f"AMQP_PASSWORD_{user.upper()}" for user in AMQP_USERS)


@dataclass(frozen=True)
class Stack:
    layout: Layout
    ports: Mapping[str, int]
    secrets: Mapping[str, str]
    presets: Presets
    tls: bool = False
    clock_rule: str = ""
    rate_limit_factor: str = LOCAL_RATE_LIMIT_FACTOR

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Stack":
        """PORT_OFFSET=auto keeps the ports of a stack that is up and takes free ones for a new one."""
        layout = Layout.of(environ)
        layout.create()
        remembered = recall(layout) if Supervisor(layout).is_up() else {}
        if environ.get("PORT_OFFSET") == ports.AUTOMATIC:
            offset = "" if remembered else str(ports.first_free_offset(ports.AUTOMATIC_OFFSETS))
            environ = {**environ, "PORT_OFFSET": offset}
        return cls(
            layout,
            ports.choose(environ, remembered),
            secrets.load(layout),
            Presets.of(environ),
            tls_wanted(environ, remembered),
            environ.get("CLOCK_RULE", ""),
            environ.get("RATE_LIMIT_FACTOR", LOCAL_RATE_LIMIT_FACTOR),
        )

    def remember(self) -> None:
        """So that `make status` in another terminal, without the same variables, finds this stack."""
        self.layout.ports.write_text(json.dumps({**self.ports, TLS: int(self.tls)}, indent=1))

    def amqp_uri(self, user: str) -> str:
        if self.presets.amqp_uri:
            return self.presets.amqp_uri
        if self.tls:
            return broker.amqps_uri(user, self.layout, self.ports)
        return broker.amqp_uri(user, self.secrets, self.ports)

    @property
    def mongo_uri(self) -> str:
        return self.presets.mongo_uri or mongo.url(self.ports)

    @property
    def redis_url(self) -> str:
        return self.presets.redis_url or redis_server.url(self.secrets, self.ports)

    @property
    def object_store_url(self) -> str:
        return self.presets.object_store_url or f"file://{self.layout.objects}"

    @property
    def postgres_admin_url(self) -> str:
        preset = self.presets.database_url
        return postgres.normalised(preset) if preset else postgres.admin_url(self.secrets, self.ports)

    @property
    def database_passwords(self) -> dict[str, str]:
        return {name: self.secrets[f"POSTGRES_PASSWORD_{name.upper()}"] for name in RELATIONAL}

    def database_url(self, name: str) -> str:
        return postgres.owned_url(self.postgres_admin_url, name, self.database_passwords[name])

    def http(self, variable: str) -> str:
        return f"http://127.0.0.1:{self.ports[variable]}"

    @property
    def public_url(self) -> str:
        return self.http("GATEWAY_PORT")

    def server_environment(self) -> dict[str, str]:
        """Where the servers are and what opens them, for tests. It holds passwords."""
        api = {} if self.presets.amqp_uri else {"RABBITMQ_API_URI": self.rabbitmq_api_uri}
        return {
            "AMQP_ADMIN_URI": self.amqp_uri(OPERATOR),
            **api,
            **{variable: self.secrets[variable] for variable in AMQP_PASSWORDS},
            "POSTGRES_ADMIN_URL": self.postgres_admin_url,
            "REDIS_URL": self.redis_url,
            "MONGO_URI": self.mongo_uri,
        }

    def operator_environment(self) -> dict[str, str]:
        """What the demo and the operator's tools are told besides."""
        return {
            **self.server_environment(),
            "RUN_DIR": str(self.layout.run_dir),
            "AMQP_URI": self.amqp_uri(OPERATOR),
            "OBJECT_STORE_URL": self.object_store_url,
            "PUBLIC_URL": self.public_url,
            "GATEWAY_URL": self.public_url,
            "TWITCH_URL": self.http("TWITCH_PORT"),
            "SANDBOX_URL": self.http("SANDBOX_PORT"),
            "MAIL_DIR": str(self.layout.mail),
        }

    @property
    def rabbitmq_api_uri(self) -> str:
        return broker.api_uri(OPERATOR, self.secrets, self.ports)


def tls_wanted(environ: Mapping[str, str], remembered: Mapping[str, int]) -> bool:
    """TLS=1 or TLS=0; without it, what the running stack was started with."""
    wanted = environ.get(TLS) or str(remembered.get(TLS, 0))
    if wanted not in ("0", "1"):
        raise ComposeError(f"TLS is {wanted!r}; it has to be 1 or 0.")
    if wanted == "1" and environ.get("AMQP_URI"):
        raise ComposeError(
            "TLS=1 is for the private broker. With AMQP_URI, put the files into the address: "
            "amqps://user@host/vhost?cacertfile=…&certfile=…&keyfile=…"
        )
    return wanted == "1"


def recall(layout: Layout) -> dict[str, int]:
    """The ports of the stack that is up in this RUN_DIR, and whether it has TLS; nothing when none is."""
    if not layout.ports.exists():
        return {}
    ports_in_use: dict[str, int] = json.loads(layout.ports.read_text())
    return ports_in_use


@contextmanager
def only_one_at_a_time(path: Path) -> Iterator[None]:
    """Two commands that lock the same file take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def machine_lock() -> Path:
    """Taken while ports are chosen and until they are bound, so that two clones do not choose the same."""
    return Path(tempfile.gettempdir()) / f"gametriggers-{os.getuid()}.lock"
