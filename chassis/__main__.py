"""python -m chassis run <service>, migrate <service>.

`run` is `nameko run --config <service>/config.yml <service>.service` with our environment set
first (see runtime.py) and logs as JSON.
"""

from chassis import runtime

runtime.patch()

import argparse
import importlib
import inspect
import os
import sys
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chassis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, help_text in (("run", "run a service"), ("migrate", "bring its database up to date")):
        commands.add_parser(command, help=help_text).add_argument("service")
    arguments = parser.parse_args()
    sys.path.insert(0, os.getcwd())
    from chassis.config import ConfigurationError

    try:
        return run(arguments.service) if arguments.command == "run" else migrate(arguments.service)
    except ConfigurationError as error:
        print(f"{arguments.service} can't start: {error}", file=sys.stderr)
        return 2


def run(service: str) -> int:
    """Run a service until it is told to stop (SIGTERM) or dies."""
    from nameko.cli.run import run as run_services

    from chassis import logs, tracing
    from chassis.amqp import HEARTBEAT_SECONDS

    service_class = find_service(service)
    settings = service_class.settings_class.from_environ()
    logs.configure(service, settings.log_level)
    logs.configure_sentry(settings.sentry_dsn.reveal(), service)
    tracing.configure(service, settings.otel_exporter_otlp_endpoint)
    config = {
        "AMQP_URI": settings.amqp_uri.reveal(),
        "HEARTBEAT": HEARTBEAT_SECONDS,
        "max_workers": MAX_WORKERS,
        "SERVICE_CONTAINER_CLS": "chassis.container.Container",
        "settings": settings,
    }
    run_services([service_class], config)
    return 0


MAX_WORKERS = 1000
"""The prefetch of each consumer is what bounds the work; a full pool would block the reader."""


def migrate(service: str) -> int:
    from chassis.sql import migrate as migrate_database

    settings = find_service(service).settings_class.from_environ()
    migrate_database(settings.database_url.reveal(), service)
    return 0


def find_service(service: str) -> Any:
    """The Service subclass that the module <service>.service defines."""
    from chassis.service import Service

    module = importlib.import_module(f"{service}.service")
    for _, value in inspect.getmembers(module, inspect.isclass):
        if issubclass(value, Service) and value.__module__ == module.__name__:
            return value
    raise SystemExit(f"{service}.service defines no service")


if __name__ == "__main__":
    sys.exit(main())
