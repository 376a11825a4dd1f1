"""The platform's own processes with a cable to each server that can be disturbed, and without a guard."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from compose import programs, readiness
from compose.chaos import guards
from compose.chaos.proxy import Proxy
from compose.names import GATEWAY, SERVICES
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


GATEWAY_CONFIG, GUARDED_CONFIG = "gateway/gunicorn.conf.py", "compose/chaos/guarded_gateway.py"


@contextmanager
def unguarded(stack: Stack, guard_off: str) -> Iterator[None]:
    """All that relies on this guard, restarted without it; afterwards as it was. No guard, no restart."""
    if not guard_off:
        yield
        return
    try:
        restart(stack, [without(program, guard_off) for program in programs.platform(stack)])
        yield
    finally:
        restart(stack, programs.platform(stack))


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
    return without(replace(program, environment=environment), guard_off)


def without(program: Program, guard_off: str) -> Program:
    """The program as it is when nobody has thought of this guard."""
    environment = {**program.environment, guards.VARIABLE: guard_off}
    if guard_off in guards.GUARDS and program.name in SERVICES:
        command: tuple[str, ...] = (sys.executable, "-m", "compose.chaos.guarded", program.name)
    elif guard_off in guards.GATEWAY_GUARDS and program.name == GATEWAY:
        command = tuple(GUARDED_CONFIG if part == GATEWAY_CONFIG else part for part in program.command)
    else:
        return program
    return replace(program, command=command, environment=environment)


def restart(stack: Stack, wanted: Sequence[Program]) -> None:
    """These as they are given, everything else as it always is."""
    supervisor = Supervisor(stack.layout)
    names = {program.name for program in wanted}
    others = [program for program in programs.all_of(stack) if program.name not in names]
    supervisor.apply([*others, *wanted])
    running = supervisor.running()
    supervisor.start([program.name for program in wanted if program.name not in running])
    readiness.wait(wanted, stack.layout, SECONDS_TO_START)
