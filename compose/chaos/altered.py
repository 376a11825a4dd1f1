"""The platform's own processes with a cable to each server that can be disturbed, and without a guard."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from compose import programs, readiness
from compose.chaos import guards
from compose.chaos.proxy import Proxy
from compose.names import GATEWAY
from compose.program import Program
from compose.stack import Stack
from compose.supervisor import Supervisor

PORTS: Mapping[str, str] = {
    "rabbitmq": "AMQP_PORT",
    "mongo": "MONGO_PORT",
    "postgres": "POSTGRES_PORT",
    "redis": "REDIS_PORT",
}
SECONDS_TO_START = 150


@contextmanager
def cabled(stack: Stack, guard_off: str = "") -> Iterator[Proxy]:
    """All services and the gateway, restarted so; afterwards as they were."""
    with Proxy({server: stack.ports[variable] for server, variable in PORTS.items()}) as proxy:
        moved = {stack.ports[PORTS[server]]: port for server, port in proxy.ports.items()}
        try:
            restart(stack, [altered(program, moved, guard_off) for program in programs.platform(stack)])
            yield proxy
        finally:
            restart(stack, programs.platform(stack))


def altered(program: Program, moved: Mapping[int, int], guard_off: str) -> Program:
    environment = dict(program.environment)
    for old, new in moved.items():
        environment = {
            key: value.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}") for key, value in environment.items()
        }
    if not guard_off or program.name == GATEWAY:
        return replace(program, environment=environment)
    return replace(
        program,
        command=(sys.executable, "-m", "compose.chaos.guarded", program.name),
        environment={**environment, guards.VARIABLE: guard_off},
    )


def restart(stack: Stack, wanted: Sequence[Program]) -> None:
    supervisor = Supervisor(stack.layout)
    supervisor.apply([*programs.infrastructure(stack), *programs.outside(stack), *wanted])
    running = supervisor.running()
    supervisor.start([program.name for program in wanted if program.name not in running])
    readiness.wait(wanted, stack.layout, SECONDS_TO_START)
