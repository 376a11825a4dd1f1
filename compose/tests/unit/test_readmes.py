"""Each service's README is what a newcomer believes, so it is held to the code."""

import inspect
import re
from importlib import import_module

import pytest

from chassis.asyncapi import event_classes
from chassis.events.consumer import EventHandler
from chassis.rpc.server import Rpc
from chassis.service import Service
from compose.layout import REPOSITORY
from compose.names import SERVICES

EVERYTHING = "#"


def readme(service):
    return (REPOSITORY / service / "README.md").read_text()


def entrypoints(service, kind):
    """(method name, entrypoint) pairs of the service's class."""
    module = import_module(f"{service}.service")
    [service_class] = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Service) and value.__module__ == module.__name__
    ]
    return [
        (name, entrypoint)
        for name, method in inspect.getmembers(service_class, inspect.isfunction)
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(entrypoint, kind)
    ]


def published(service):
    return {event.type for event in event_classes(import_module(f"{service}.events"))}


def consumed(service):
    return {pair for _, handler in entrypoints(service, EventHandler) for pair in handler.sources}


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
    methods = {name for name, _ in entrypoints(service, Rpc)}

    assert names_in_table(readme(service)) == methods


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
        if event_type != EVERYTHING and event_type not in published(publisher)
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
