"""Restarts services and the gateway one after the other, while clients are served without a failed request.

A service's next process works beside the old one before that stops: its stand-in. It takes over while the
service itself stops and starts, so that name, port and log stay the same. Whatever fails, somebody serves.
"""

from collections.abc import Callable, Collection

from compose import gateway_workers, lifecycle, ports, programs, readiness
from compose.errors import ComposeError, NotReadyInTime
from compose.names import GATEWAY, RELATIONAL, SERVICES, STAND_IN
from compose.program import Program
from compose.progress import say
from compose.stack import Stack, only_one_at_a_time
from compose.supervisor import Supervisor

SECONDS_TO_START = lifecycle.SECONDS_FOR_PLATFORM


def run(stack: Stack, only: str = "", say: Callable[[str], None] = say) -> None:
    names = chosen(only)
    with only_one_at_a_time(stack.layout.lock):
        finish_interrupted(stack, say)
        lifecycle.migrate(stack, [name for name in RELATIONAL if name in names])
        for number, name in enumerate(names, 1):
            tell = prefixed(f"{name} ({number} of {len(names)}): ", say)
            if name == GATEWAY:
                restart_gateway(stack, tell)
            else:
                restart_service(name, stack, tell)


def prefixed(prefix: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: say(f"{prefix}{text}")


def chosen(only: str) -> list[str]:
    known = [*SERVICES, GATEWAY]
    if only and only not in known:
        raise ComposeError(f"{only!r} is not restarted this way; these are: {', '.join(known)}.")
    return [only] if only else known


def restart_service(name: str, stack: Stack, say: Callable[[str], None]) -> None:
    service, stand_in = programs.service(name, stack), programs.stand_in(name, stack)
    supervisor = Supervisor(stack.layout)
    if name not in supervisor.running():
        begin(service, stack, say)
        return
    if stand_in.name not in supervisor.details():
        raise ComposeError(f"The platform that runs does not know {stand_in.name}; 'make up' tells it.")
    ports.must_be_free([ports.STAND_IN_PORT], stack.ports)
    try:
        begin(stand_in, stack, say)
    except NotReadyInTime as error:
        supervisor.stop([stand_in.name])
        raise ComposeError(f"{error}\n{name} was not touched: its old process goes on.") from None
    say("stopping the old process")
    supervisor.stop([name])
    replace_stand_in(name, stack, say)


def replace_stand_in(name: str, stack: Stack, say: Callable[[str], None]) -> None:
    """The service itself starts, and what has stood in for it stops."""
    stand_in = f"{name}{STAND_IN}"
    try:
        begin(programs.service(name, stack), stack, say)
    except NotReadyInTime as error:
        raise ComposeError(f"{error}\n{stand_in} serves in its place; restart {name} again.") from None
    Supervisor(stack.layout).stop([stand_in])
    say("restarted")


def begin(program: Program, stack: Stack, say: Callable[[str], None]) -> None:
    """Returns when it is ready. One that runs already is waited for."""
    supervisor = Supervisor(stack.layout)
    if program.name not in supervisor.running():
        say(f"starting {program.name}")
        supervisor.start([program.name])
    readiness.wait([program], stack.layout, SECONDS_TO_START)


def finish_interrupted(stack: Stack, say: Callable[[str], None]) -> None:
    """What a restart that was interrupted has left standing in is replaced by its service first."""
    for name in left_standing(Supervisor(stack.layout).running()):
        say(f"{name}: an earlier restart was interrupted and is finished first")
        replace_stand_in(name, stack, say)


def left_standing(running: Collection[str]) -> list[str]:
    return [name for name in SERVICES if f"{name}{STAND_IN}" in running]


def restart_gateway(stack: Stack, say: Callable[[str], None]) -> None:
    was_running = GATEWAY in Supervisor(stack.layout).running()
    begin(programs.gateway(stack), stack, say)
    if was_running:
        gateway_workers.replace(stack, say)
        say("restarted")
