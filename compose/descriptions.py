"""The AsyncAPI document of the platform's events, which the gateway serves at /asyncapi.json."""

import json
from importlib import import_module
from pathlib import Path

from chassis import asyncapi
from compose.names import SERVICES

TITLE, VERSION = "Gametriggers events", "v1"


def write(target: Path) -> None:
    """Generated from the services' declarations, so that it never says anything else than they do."""
    modules = {service: import_module(f"{service}.events") for service in SERVICES}
    target.write_text(json.dumps(asyncapi.document(modules, TITLE, VERSION)) + "\n")
