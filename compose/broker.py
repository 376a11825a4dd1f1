"""A private RabbitMQ (and its epmd) that any account can run, on loopback only."""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from chassis.permissions import permissions
from compose import certificates, probes
from compose.certificates import AUTHORITY, BROKER, Pair
from compose.errors import SetupImpossible
from compose.layout import Layout
from compose.names import AMQP_USERS, OPERATOR, SERVICES, VHOST
from compose.program import Program

ADMIN = "admin"

# The wrapper in sbin insists on the package's system user, so the server's own script is run.
INSTALLATIONS = (Path("/usr/lib/rabbitmq/bin"), Path("/opt/rabbitmq/sbin"))

# Two schedulers and no busy waiting: a broker on a developer's machine should cost nothing while idle.
# epmd is ours, so Erlang must not start one that outlives the stack. Nodes talk on loopback only.
ERLANG_FLAGS = "+S 2:2 -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"


def server_folder() -> Path:
    for folder in INSTALLATIONS:
        if (folder / "rabbitmq-server").exists():
            return folder
    raise SetupImpossible("RabbitMQ is not installed; install the package rabbitmq-server.")


def amqp_uri(user: str, secrets: Mapping[str, str], ports: Mapping[str, int]) -> str:
    password = secrets[f"AMQP_PASSWORD_{user.upper()}"]
    return f"amqp://{user}:{password}@127.0.0.1:{ports['AMQP_PORT']}/{quote(VHOST, safe='')}"


def amqps_uri(user: str, layout: Layout, ports: Mapping[str, int]) -> str:
    """The certificate says who it is; the name in the address is what the client writes into its messages."""
    own = Pair.of(layout.certificates, user)
    files = {
        "cacertfile": Pair.of(layout.certificates, AUTHORITY).certificate,
        "certfile": own.certificate,
        "keyfile": own.key,
    }
    return f"amqps://{user}@127.0.0.1:{ports['AMQP_PORT']}/{quote(VHOST, safe='')}?{urlencode(files)}"


def api_uri(user: str, secrets: Mapping[str, str], ports: Mapping[str, int]) -> str:
    password = secrets[f"AMQP_PASSWORD_{user.upper()}"]
    return f"http://{user}:{password}@127.0.0.1:{ports['RABBITMQ_MANAGEMENT_PORT']}"


def epmd(layout: Layout, ports: Mapping[str, int]) -> Program:
    return Program(
        name="epmd",
        command=("epmd", "-address", "127.0.0.1", "-port", str(ports["EPMD_PORT"])),
        directory=layout.run_dir,
        ready=functools.partial(probes.listens, ports["EPMD_PORT"]),
        port_variables=("EPMD_PORT",),
        address=f"127.0.0.1:{ports['EPMD_PORT']}",
        priority=10,
    )


def rabbitmq(
    layout: Layout, secrets: Mapping[str, str], ports: Mapping[str, int], *, tls: bool = False
) -> Program:
    api = f"http://127.0.0.1:{ports['RABBITMQ_MANAGEMENT_PORT']}"
    return Program(
        name="rabbitmq",
        command=(str(server_folder() / "rabbitmq-server"),),
        directory=layout.rabbitmq,
        environment=environment(layout, ports, tls=tls),
        ready=functools.partial(
            probes.answers_http,
            f"{api}/api/health/checks/port-listener/{ports['AMQP_PORT']}",
            ADMIN,
            secrets["AMQP_PASSWORD_ADMIN"],
        ),
        port_variables=("AMQP_PORT", "RABBITMQ_MANAGEMENT_PORT", "RABBITMQ_DIST_PORT"),
        address=f"{'amqps' if tls else 'amqp'}://127.0.0.1:{ports['AMQP_PORT']} {api}",
        priority=20,
        seconds_to_stop=40,
    )


def environment(layout: Layout, ports: Mapping[str, int], *, tls: bool = False) -> dict[str, str]:
    home = layout.rabbitmq
    # With TLS the configuration names the only listener; this variable would open one without.
    listener = {} if tls else {"RABBITMQ_NODE_PORT": str(ports["AMQP_PORT"])}
    return {
        **listener,
        "HOME": str(home),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(ports["EPMD_PORT"]),
        # Makes the script replace itself by the Erlang machine, so that supervisord signals the broker
        # itself and not a shell in front of it.
        "NOTIFY_SOCKET": "",
        "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_NODENAME": "gt@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(ports["RABBITMQ_DIST_PORT"]),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_FLAGS,
    }


def prepare(
    layout: Layout, secrets: Mapping[str, str], ports: Mapping[str, int], *, test: bool, tls: bool = False
) -> None:
    """Writes what the broker reads when it starts."""
    home = layout.rabbitmq
    write_private(home / ".erlang.cookie", secrets["ERLANG_COOKIE"])
    plugins = ("rabbitmq_management", *(("rabbitmq_auth_mechanism_ssl",) if tls else ()))
    (home / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
    if tls:
        certificates.prepare(layout.certificates, AMQP_USERS)
    (home / "rabbitmq-env.conf").write_text("")
    (home / "rabbitmq.conf").write_text(configuration(layout, ports, tls=tls))
    write_private(home / "definitions.json", json.dumps(definitions(secrets, test=test), indent=1))


def write_private(path: Path, text: str) -> None:
    """Erlang accepts its cookie only when nobody else may read it, so the mode is part of the write."""
    certificates.write_private(path, text.encode())


def configuration(layout: Layout, ports: Mapping[str, int], *, tls: bool = False) -> str:
    address = f"127.0.0.1:{ports['AMQP_PORT']}"
    lines = (
        *(listener_with_tls(layout, address) if tls else (f"listeners.tcp.1 = {address}",)),
        "management.tcp.ip = 127.0.0.1",
        f"management.tcp.port = {ports['RABBITMQ_MANAGEMENT_PORT']}",
        f"load_definitions = {layout.rabbitmq / 'definitions.json'}",
        "vm_memory_high_watermark.absolute = 1GB",
        "disk_free_limit.absolute = 200MB",
        "log.console = true",
        "log.console.level = warning",
        "log.file = false",
    )
    return "\n".join(lines) + "\n"


def listener_with_tls(layout: Layout, address: str) -> tuple[str, ...]:
    """No other way in: no listener without TLS, nobody without a certificate of ours, and no passwords."""
    own = Pair.of(layout.certificates, BROKER)
    return (
        "listeners.tcp = none",
        f"listeners.ssl.1 = {address}",
        f"ssl_options.cacertfile = {Pair.of(layout.certificates, AUTHORITY).certificate}",
        f"ssl_options.certfile = {own.certificate}",
        f"ssl_options.keyfile = {own.key}",
        "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = true",
        "ssl_options.versions.1 = tlsv1.3",
        "ssl_options.versions.2 = tlsv1.2",
        "ssl_cert_login_from = common_name",
        "auth_mechanisms.1 = EXTERNAL",
    )


def definitions(secrets: Mapping[str, str], *, test: bool) -> dict[str, object]:
    """Users, their permissions and the exchanges that nobody should have to be first to declare.

    In a test stack the operator administers the broker, because each test session makes a virtual host
    of its own; in a stack that people use, only `admin` does.
    """
    tags = {ADMIN: "administrator", OPERATOR: "administrator" if test else "monitoring"}
    exchanges = ("nameko-rpc", *(f"{service}.events" for service in SERVICES))
    return {
        "users": [user(name, secrets, tags.get(name, "")) for name in (*AMQP_USERS, ADMIN)],
        "vhosts": [{"name": VHOST}],
        "permissions": [{"user": name, "vhost": VHOST, **permissions(name)} for name in AMQP_USERS],
        "exchanges": [
            {
                "name": name,
                "vhost": VHOST,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in exchanges
        ],
    }


def user(name: str, secrets: Mapping[str, str], tags: str) -> dict[str, str]:
    return {
        "name": name,
        "password_hash": password_hash(secrets[f"AMQP_PASSWORD_{name.upper()}"]),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
    }


def password_hash(password: str) -> str:
    """RabbitMQ's own format: base64 of a 4 byte salt followed by SHA-256 of salt and password.

    https://www.rabbitmq.com/docs/passwords#computing-password-hash. The salt is taken from the password,
    so that the same secrets give the same file; the passwords are random and used on one broker only.
    """
    salt = hashlib.sha256(b"salt:" + password.encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
