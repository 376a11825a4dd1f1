"""Every program of a stack, in the three tiers in which they start."""

import functools
import sys
from dataclasses import replace
from pathlib import Path

from compose import broker, environment, mongo, postgres, probes, redis_server
from compose.layout import REPOSITORY
from compose.names import GATEWAY, SERVICES, STAND_IN
from compose.ports import STAND_IN_PORT
from compose.program import Program
from compose.stack import Stack

SECONDS_TO_STOP = 10
"""A service finishes what it holds within eight seconds, and the gateway within seven."""

OUTSIDE = {
    "twitch": ("TWITCH_PORT",),
    "google": ("GOOGLE_PORT",),
    "sandbox": ("SANDBOX_PORT", "STRIPE_PORT", "PAYPAL_PORT"),
    "smtp": ("SMTP_PORT",),
}
"""The ports of each. The payment providers share a process, so that fewer have to start."""


def all_of(stack: Stack, *, infrastructure_only: bool = False) -> list[Program]:
    if infrastructure_only:
        return infrastructure(stack)
    return [*infrastructure(stack), *outside(stack), *platform(stack), *stand_ins(stack)]


def infrastructure(stack: Stack) -> list[Program]:
    """The private servers. One whose address is set beforehand is not among them."""
    layout, secrets, ports, presets = stack.layout, stack.secrets, stack.ports, stack.presets
    programs: list[Program] = []
    if not presets.amqp_uri:
        programs += [broker.epmd(layout, ports), broker.rabbitmq(layout, secrets, ports, tls=stack.tls)]
    if not presets.database_url:
        programs.append(postgres.postgres(layout, secrets, ports))
    if not presets.redis_url:
        programs.append(redis_server.redis(layout, secrets, ports))
    if not presets.mongo_uri:
        programs.append(mongo.mongo(layout, ports))
    return programs


def prepare_infrastructure(stack: Stack, *, test: bool) -> None:
    """Writes what the private servers read when they start."""
    if not stack.presets.amqp_uri:
        broker.prepare(stack.layout, stack.secrets, stack.ports, test=test, tls=stack.tls)
    if not stack.presets.database_url:
        postgres.prepare(stack.layout, stack.secrets)
    if not stack.presets.redis_url:
        redis_server.prepare(stack.layout, stack.secrets, stack.ports)
    if not stack.presets.mongo_uri:
        mongo.prepare(stack.layout)


def outside(stack: Stack) -> list[Program]:
    """Stand-ins for systems that are not ours: Twitch, Google, payment providers, a mail server."""
    return [
        Program(
            name=name,
            command=(sys.executable, "-m", f"compose.outside.{name}"),
            directory=REPOSITORY,
            environment={**environment.of_outside(name, stack), "PYTHONUNBUFFERED": "1"},
            ready=functools.partial(probes.listens, stack.ports[variables[-1]]),
            port_variables=variables,
            address=f"{'smtp' if name == 'smtp' else 'http'}://127.0.0.1:{stack.ports[variables[0]]}",
            priority=30,
            seconds_to_stop=5,
        )
        for name, variables in OUTSIDE.items()
    ]


def platform(stack: Stack) -> list[Program]:
    return [*(service(name, stack) for name in SERVICES), gateway(stack)]


def service(name: str, stack: Stack) -> Program:
    variable = f"HEALTH_PORT_{name.upper()}"
    address = stack.http(variable)
    return Program(
        name=name,
        command=(sys.executable, "-m", "chassis", "run", name),
        directory=REPOSITORY,
        environment=environment.of_process(name, stack),
        ready=functools.partial(probes.answers_http, f"{address}/health/ready"),
        port_variables=(variable,),
        address=address,
        priority=50,
        seconds_to_stop=SECONDS_TO_STOP,
    )


def stand_ins(stack: Stack) -> list[Program]:
    """Each service once more; one of them runs while its service is restarted."""
    return [stand_in(name, stack) for name in SERVICES]


def stand_in(name: str, stack: Stack) -> Program:
    """Its port is not among those that have to be free when the platform starts: it is taken in turns."""
    address = stack.http(STAND_IN_PORT)
    original = service(name, stack)
    return replace(
        original,
        name=f"{name}{STAND_IN}",
        environment={**original.environment, "HEALTH_PORT": str(stack.ports[STAND_IN_PORT])},
        ready=functools.partial(probes.answers_http, f"{address}/health/ready"),
        port_variables=(),
        address=address,
    )


def gateway(stack: Stack) -> Program:
    return Program(
        name=GATEWAY,
        command=(
            str(Path(sys.executable).parent / "gunicorn"),
            *("--config", "gateway/gunicorn.conf.py"),
            # Its control socket would be in the home folder, where two stacks meet.
            "--no-control-socket",
            "gateway.app:create_app()",
        ),
        directory=REPOSITORY,
        environment=environment.of_process(GATEWAY, stack),
        ready=functools.partial(probes.answers_http, f"{stack.public_url}/health/ready"),
        port_variables=("GATEWAY_PORT",),
        address=stack.public_url,
        priority=60,
        seconds_to_stop=SECONDS_TO_STOP,
    )
