"""Which port each program listens on, and who else may be sitting there."""

import socket
from collections.abc import Iterable, Mapping

from compose.errors import ComposeError, PortTaken
from compose.names import SERVICES

INFRASTRUCTURE_PORTS = {
    "EPMD_PORT": 4370,
    "AMQP_PORT": 5673,
    "RABBITMQ_MANAGEMENT_PORT": 15673,
    "RABBITMQ_DIST_PORT": 25673,
    "POSTGRES_PORT": 5433,
    "REDIS_PORT": 6380,
    "MONGO_PORT": 27018,
}
OUTSIDE_PORTS = {
    "TWITCH_PORT": 8091,
    "SANDBOX_PORT": 8092,
    "GOOGLE_PORT": 8093,
    "STRIPE_PORT": 8094,
    "PAYPAL_PORT": 8095,
    "SMTP_PORT": 2526,
}
HEALTH_PORTS = {f"HEALTH_PORT_{name.upper()}": 9101 + index for index, name in enumerate(SERVICES)}
# One service is restarted at a time, so that their stand-ins share a port.
STAND_IN_PORT = "STAND_IN_PORT"
DEFAULT_PORTS = {
    **INFRASTRUCTURE_PORTS,
    **OUTSIDE_PORTS,
    **HEALTH_PORTS,
    STAND_IN_PORT: 9110,
    "GATEWAY_PORT": 8000,
}

HIGHEST_PORT = 65535

# PORT_OFFSET=auto tries these. They are multiples of 100, so that no default of one stack meets another
# default of the next, and stay below the ports that the kernel hands out to clients.
AUTOMATIC = "auto"
AUTOMATIC_OFFSETS = range(1000, 7000, 100)


def choose(environ: Mapping[str, str], remembered: Mapping[str, int] | None = None) -> dict[str, int]:
    """Every port of a stack. Its own variable wins; then PORT_OFFSET; then what the running stack uses."""
    offset = environ.get("PORT_OFFSET")
    known = remembered if remembered and not offset else {}
    shift = number("PORT_OFFSET", offset or "0")
    ports = {
        variable: number(variable, environ[variable])
        if environ.get(variable)
        else known.get(variable, default + shift)
        for variable, default in DEFAULT_PORTS.items()
    }
    for variable, port in ports.items():
        if not 0 < port <= HIGHEST_PORT:
            raise ComposeError(f"{variable} would be {port}, which is not a port; change it or PORT_OFFSET.")
    return ports


def number(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ComposeError(f"{variable} is {text!r}; it has to be a whole number.") from None


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def must_be_free(variables: Iterable[str], ports: Mapping[str, int]) -> None:
    for variable in variables:
        if not is_free(ports[variable]):
            raise PortTaken(
                f"Port {ports[variable]} on 127.0.0.1 is already in use by another program. "
                f"Stop that program, or set {variable} to a free port (PORT_OFFSET moves all of them)."
            )


def first_free_offset(candidates: Iterable[int]) -> int:
    """The first offset at which every port of a stack is free."""
    for offset in candidates:
        if all(is_free(default + offset) for default in DEFAULT_PORTS.values()):
            return offset
    raise ComposeError("No free range of ports was found; set PORT_OFFSET to choose one.")
