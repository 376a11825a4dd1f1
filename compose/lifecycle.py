"""Brings a stack up and takes it down."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from compose import descriptions, envfile, environment, ports, postgres, processes, programs, readiness
from compose.errors import ComposeError
from compose.layout import REPOSITORY, Layout
from compose.names import RELATIONAL
from compose.program import Program
from compose.progress import say
from compose.stack import Stack, machine_lock, only_one_at_a_time
from compose.supervisor import Supervisor

SECONDS_FOR_INFRASTRUCTURE = 90
# Ten Python processes import their libraries at once, on two cores of a slow machine.
SECONDS_FOR_PLATFORM = 150
SECONDS_FOR_MIGRATIONS = 120


def up(environ: Mapping[str, str], *, infrastructure_only: bool = False) -> Stack:
    """Starts what is not running and returns when everything is ready."""
    layout = Layout.of(environ)
    layout.create()
    with only_one_at_a_time(layout.lock):
        if not Supervisor(layout).is_up():
            clear_away_leftovers(layout)
        with only_one_at_a_time(machine_lock()):
            stack = Stack.of(environ)
            apply(stack, infrastructure_only=infrastructure_only)
            start_servers(stack, migrating=not infrastructure_only)
        if not infrastructure_only:
            descriptions.write(layout.asyncapi)
            start(stack, programs.platform(stack))
            readiness.wait(programs.platform(stack), layout, SECONDS_FOR_PLATFORM, announce)
    return stack


def apply(stack: Stack, *, infrastructure_only: bool) -> None:
    """Writes every configuration file and makes supervisord know the programs, if their ports are free."""
    for warning in stack.presets.warnings():
        say(warning)
    wanted = programs.all_of(stack, infrastructure_only=infrastructure_only)
    stopped = not_running(stack, wanted)
    ports.must_be_free([variable for program in stopped for variable in program.port_variables], stack.ports)
    programs.prepare_infrastructure(stack, test=infrastructure_only)
    Supervisor(stack.layout).apply(wanted)
    stack.remember()
    told = stack.server_environment() if infrastructure_only else stack.operator_environment()
    envfile.write(stack.layout.infrastructure, told)


def start_servers(stack: Stack, *, migrating: bool) -> None:
    """epmd comes before the broker, which registers with it; migrations run while the broker still boots."""
    servers = programs.infrastructure(stack) + (programs.outside(stack) if migrating else [])
    first = [program for program in servers if program.name == "epmd"]
    start(stack, first)
    readiness.wait(first, stack.layout, SECONDS_FOR_INFRASTRUCTURE)
    start(stack, servers)
    if migrating:
        database = [program for program in servers if program.name == "postgres"]
        readiness.wait(database, stack.layout, SECONDS_FOR_INFRASTRUCTURE)
        up = Supervisor(stack.layout).running()
        # A service that runs is not restarted, so its schema stays the one that it was started for.
        migrate(stack, [name for name in RELATIONAL if name not in up])
    readiness.wait(servers, stack.layout, SECONDS_FOR_INFRASTRUCTURE, announce)


def announce(name: str) -> None:
    say(f"{name} is ready")


def start(stack: Stack, wanted: Sequence[Program]) -> None:
    """Asks for the start of those that are not running."""
    stopped = [program.name for program in not_running(stack, wanted)]
    if stopped:
        say(f"Starting {', '.join(stopped)}")
        Supervisor(stack.layout).start(stopped)


def not_running(stack: Stack, wanted: Sequence[Program]) -> list[Program]:
    running = Supervisor(stack.layout).running()
    return [program for program in wanted if program.name not in running]


def migrate(stack: Stack, names: Sequence[str]) -> None:
    """Makes the databases and brings these services' schemas up to date, all of them at once."""
    if not names:
        return
    postgres.create_databases(stack.postgres_admin_url, stack.database_passwords)
    say(f"Migrating the databases of {' and '.join(names)}")
    for name, process in [(name, migration(name, stack)) for name in names]:
        output, _ = process.communicate(timeout=SECONDS_FOR_MIGRATIONS)
        if process.returncode != 0:
            raise ComposeError(f"The migrations of {name} failed:\n{output}")


def migration(name: str, stack: Stack) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "chassis", "migrate", name],
        cwd=REPOSITORY,
        env={**inherited(), **environment.of_process(name, stack)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def inherited() -> dict[str, str]:
    """What a command that runs beside the platform's programs takes from ours."""
    return {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}


@contextmanager
def undone_when_interrupted(layout: Layout) -> Iterator[None]:
    """Ctrl-C (or a TERM) stops what was started since, and nothing that ran before."""
    supervisor = Supervisor(layout)
    was_up, ran_before = supervisor.is_up(), supervisor.running()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say("Interrupted; stopping what this command started")
        if was_up:
            supervisor.stop(supervisor.running() - ran_before)
        else:
            down(layout)
        raise


def down(layout: Layout) -> bool:
    """Stops everything that was started in this RUN_DIR; False when there was nothing."""
    if not layout.run_dir.exists():
        return False
    with only_one_at_a_time(layout.lock):
        supervisor = Supervisor(layout)
        was_up = supervisor.is_up()
        if was_up:
            supervisor.shut_down()
        return clear_away_leftovers(layout) or was_up


def clear_away_leftovers(layout: Layout) -> bool:
    """Stops what outlived its supervisord, so that a kill -9 of that costs nobody a search for processes."""
    leftovers = processes.of_stack(layout)
    if leftovers:
        say(f"Stopping processes whose supervisord is gone: {', '.join(map(str, leftovers))}")
        processes.stop(leftovers)
    layout.ports.unlink(missing_ok=True)
    return bool(leftovers)
