"""What a stack consists of, and how it is brought up and taken down."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from compose import broker, envfile, mongo, ports, postgres, readiness, redis_server, secrets
from compose.layout import Layout
from compose.names import AMQP_USERS, OPERATOR
from compose.program import Program
from compose.progress import say
from compose.supervisor import Supervisor

SECONDS_FOR_INFRASTRUCTURE = 90


@dataclass(frozen=True)
class Stack:
    layout: Layout
    ports: Mapping[str, int]
    secrets: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Stack":
        layout = Layout.of(environ)
        layout.create()
        return cls(layout, ports.choose(environ), secrets.load(layout))


@contextmanager
def only_one_at_a_time(layout: Layout) -> Iterator[None]:
    """Two commands at once on one RUN_DIR take turns."""
    layout.run_dir.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def infrastructure(stack: Stack) -> list[Program]:
    return [
        broker.epmd(stack.layout, stack.ports),
        postgres.postgres(stack.layout, stack.secrets, stack.ports),
        redis_server.redis(stack.layout, stack.secrets, stack.ports),
        mongo.mongo(stack.layout, stack.ports),
        broker.rabbitmq(stack.layout, stack.secrets, stack.ports),
    ]


def prepare(stack: Stack, *, test: bool) -> None:
    broker.prepare(stack.layout, stack.secrets, stack.ports, test=test)
    postgres.prepare(stack.layout, stack.secrets)
    redis_server.prepare(stack.layout, stack.secrets, stack.ports)
    mongo.prepare(stack.layout)


def start(stack: Stack, programs: Sequence[Program], seconds: float) -> list[str]:
    """Starts what is not running and waits for all of them; returns the names of what it started."""
    supervisor = Supervisor(stack.layout)
    running = supervisor.running()
    missing = [program for program in programs if program.name not in running]
    ports.must_be_free([variable for program in missing for variable in program.port_variables], stack.ports)
    supervisor.start([program.name for program in missing])
    readiness.wait(programs, stack.layout, seconds, lambda name: say(f"{name} is ready"))
    return [program.name for program in missing]


def up_infrastructure_only(environ: Mapping[str, str] = os.environ) -> Stack:
    """The servers without the platform, for tests: the operator administers this broker."""
    stack = Stack.of(environ)
    with only_one_at_a_time(stack.layout):
        prepare(stack, test=True)
        programs = infrastructure(stack)
        supervisor = Supervisor(stack.layout)
        supervisor.apply(programs)
        start(stack, [program for program in programs if program.name == "epmd"], SECONDS_FOR_INFRASTRUCTURE)
        start(stack, programs, SECONDS_FOR_INFRASTRUCTURE)
        envfile.write(stack.layout.infrastructure, addresses_for_tests(stack))
    return stack


def addresses_for_tests(stack: Stack) -> dict[str, str]:
    return {
        "AMQP_ADMIN_URI": broker.amqp_uri(OPERATOR, stack.secrets, stack.ports),
        "RABBITMQ_API_URI": broker.api_uri(OPERATOR, stack.secrets, stack.ports),
        **{
            f"AMQP_PASSWORD_{user.upper()}": stack.secrets[f"AMQP_PASSWORD_{user.upper()}"]
            for user in AMQP_USERS
        },
        "POSTGRES_ADMIN_URL": postgres.admin_url(stack.secrets, stack.ports),
        "REDIS_URL": redis_server.url(stack.secrets, stack.ports),
        "MONGO_URI": mongo.url(stack.ports),
    }
