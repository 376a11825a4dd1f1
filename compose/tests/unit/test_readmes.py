"""Each service's README is what a newcomer believes, so it is held to the code."""

import functools
import json
import re
import subprocess
import sys
from importlib import import_module

import pytest

from chassis.asyncapi import event_classes
from chassis.events.topology import BY_ADMIN
from compose.layout import REPOSITORY
from compose.names import SERVICES

EVERYTHING = "#"
# Beside an event's own name, for whatever an administrator has caused.
NO_TYPES = {EVERYTHING, BY_ADMIN}

# Services patch the process that imports them, for eventlet, which the other tests here are not made for.
LIST = """
import inspect, json, sys
from importlib import import_module
from chassis.events.consumer import EventHandler
from chassis.rpc.server import Rpc
from chassis.service import Service

found = {}
for name in sys.argv[1:]:
    module = import_module(f"{name}.service")
    [service] = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Service) and value.__module__ == module.__name__
    ]
    entrypoints = [
        (method_name, entrypoint)
        for method_name, method in inspect.getmembers(service, inspect.isfunction)
        for entrypoint in getattr(method, "nameko_entrypoints", ())
    ]
    found[name] = {
        "rpcs": [method for method, entrypoint in entrypoints if isinstance(entrypoint, Rpc)],
        "sources": [
            pair
            for _, entrypoint in entrypoints
            if isinstance(entrypoint, EventHandler)
            for pair in entrypoint.sources
        ],
    }
print(json.dumps(found))
"""


def readme(service):
    return (REPOSITORY / service / "README.md").read_text()


@functools.cache
def entrypoints():
    """What the class of each service has: its RPCs, and the (publisher, event type) pairs that it takes."""
    listed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIST, *SERVICES],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(listed.stdout)


def published(service):
    return {event.type for event in event_classes(import_module(f"{service}.events"))}


def consumed(service):
    return {tuple(pair) for pair in entrypoints()[service]["sources"]}


def names_in_table(text):
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def names_after(text, heading):
    """The backticked names of the sentence with that heading; `service.event` counts as `event`."""
    found = re.search(rf"{heading}:?(.*?)\.(?=\s|$)", text, re.DOTALL)
    names = re.findall(r"`([\w.#]+)`", found.group(1)) if found else []
    return {name.rpartition(".")[2] for name in names if not name.startswith("on_")}


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_names_every_rpc_and_no_other(service):
    assert names_in_table(readme(service)) == set(entrypoints()[service]["rpcs"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_names_every_event_that_goes_out_and_no_other(service):
    assert names_after(readme(service), "Events out") == published(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_names_every_event_that_comes_in_and_no_other(service):
    types = {event_type for _, event_type in consumed(service)}
    others = names_after(readme(service), "Events in")
    own = {event_type for publisher, event_type in consumed(service) if publisher == service}

    assert others | own == types


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_listens_for_is_published_by_somebody(service):
    unknown = [
        (publisher, event_type)
        for publisher, event_type in consumed(service)
        if event_type not in NO_TYPES and event_type not in published(publisher)
    ]

    assert unknown == []


def test_somebody_listens_to_every_event():
    """What nobody's queue is bound to would wait in the outbox for ever; analytics takes everything."""
    bound = {pair for service in SERVICES for pair in consumed(service)}

    unheard = [
        (service, event_type)
        for service in SERVICES
        for event_type in published(service)
        if (service, event_type) not in bound and (service, EVERYTHING) not in bound
    ]
    assert unheard == []


@pytest.mark.parametrize(
    ("service", "posted_anyway"), [("participation", {"earnings_accrued"}), ("payment", set())]
)
def test_analytics_hears_every_event_of_the_busy_services_but_accruals(service, posted_anyway):
    """It names theirs one by one, so that one which is new could be forgotten."""
    heard = {event_type for publisher, event_type in consumed("analytics") if publisher == service}

    assert heard == published(service) - posted_anyway


@pytest.mark.parametrize("service", SERVICES)
def test_a_readme_is_short(service):
    assert len(readme(service).splitlines()) <= 30
