"""What runs, in which state, and where it listens."""

import json
import time
from collections.abc import Mapping
from typing import TypedDict

from compose import programs, table
from compose.layout import Layout
from compose.names import STAND_IN
from compose.presets import VARIABLES
from compose.program import Program
from compose.readiness import answer
from compose.stack import Stack
from compose.supervisor import Supervisor

STOPPED = "STOPPED"


class ProgramStatus(TypedDict):
    name: str
    state: str
    ready: bool
    address: str
    up_seconds: int
    log: str


class StackStatus(TypedDict):
    run_dir: str
    addresses: dict[str, str]
    programs: list[ProgramStatus]


def of(stack: Stack) -> StackStatus:
    """Asks supervisord for states and every running program whether it is ready.

    A stand-in is shown while it is there, which is during a restart or after one that was interrupted.
    """
    details = Supervisor(stack.layout).details()
    known = [program for program in programs.all_of(stack) if is_shown(program.name, details)]
    return {
        "run_dir": str(stack.layout.run_dir),
        "addresses": addresses(stack),
        "programs": [of_program(program, details.get(program.name, {}), stack.layout) for program in known],
    }


def is_shown(name: str, details: Mapping[str, Mapping[str, object]]) -> bool:
    if name.endswith(STAND_IN):
        return details.get(name, {}).get("statename", STOPPED) != STOPPED
    return not details or name in details


def of_program(program: Program, detail: dict[str, object], layout: Layout) -> ProgramStatus:
    state = str(detail.get("statename", STOPPED)).lower()
    started = detail.get("start")
    running = state == "running" and isinstance(started, int)
    return {
        "name": program.name,
        "state": state,
        "ready": running and not answer(program),
        "address": program.address,
        "up_seconds": int(time.time()) - started if running and isinstance(started, int) else 0,
        "log": str(layout.logs / f"{program.name}.log"),
    }


def addresses(stack: Stack) -> dict[str, str]:
    """Where a person or another team looks. A preset address may hold a password, so it is only named."""
    private = {
        "amqp": f"{'amqps' if stack.tls else 'amqp'}://127.0.0.1:{stack.ports['AMQP_PORT']}",
        "rabbitmq_management": stack.http("RABBITMQ_MANAGEMENT_PORT"),
        "postgres": f"postgresql://127.0.0.1:{stack.ports['POSTGRES_PORT']}",
        "redis": f"redis://127.0.0.1:{stack.ports['REDIS_PORT']}",
        "mongo": f"mongodb://127.0.0.1:{stack.ports['MONGO_PORT']}",
    }
    variables = {
        "amqp": "AMQP_URI",
        "rabbitmq_management": "AMQP_URI",
        "postgres": "DATABASE_URL",
        "redis": "REDIS_URL",
        "mongo": "MONGO_URI",
    }
    preset = {variable for variable in VARIABLES if getattr(stack.presets, variable.lower())}
    return {
        "gateway": stack.public_url,
        "docs": f"{stack.public_url}/docs",
        "openapi": f"{stack.public_url}/openapi.json",
        "twitch_stand_in": stack.http("TWITCH_PORT"),
        "google_stand_in": stack.http("GOOGLE_PORT"),
        "payment_provider_stand_in": stack.http("SANDBOX_PORT"),
        "stripe_stand_in": stack.http("STRIPE_PORT"),
        "paypal_stand_in": stack.http("PAYPAL_PORT"),
        "smtp": f"smtp://127.0.0.1:{stack.ports['SMTP_PORT']}",
        "mail": str(stack.layout.mail),
        **{
            name: f"set by {variables[name]}" if variables[name] in preset else address
            for name, address in private.items()
        },
        "secrets": str(stack.layout.secrets),
        "logs": str(stack.layout.logs),
    }


def as_json(status: StackStatus) -> str:
    return json.dumps(status, indent=2)


def as_text(status: StackStatus) -> str:
    rows = [("PROGRAM", "STATE", "READY", "UP", "ADDRESS")]
    rows += [
        (
            program["name"],
            program["state"],
            "yes" if program["ready"] else "no",
            f"{program['up_seconds']} s",
            program["address"],
        )
        for program in status["programs"]
    ]
    return f"{table.render(rows)}\n\n{addresses_as_text(status['addresses'])}"


def addresses_as_text(found: dict[str, str]) -> str:
    return table.render([(name.replace("_", " "), address) for name, address in found.items()])
