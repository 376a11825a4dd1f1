import os
import subprocess
import sys
from dataclasses import replace

import pytest

from compose import lifecycle, processes, programs, restart, status
from compose.errors import ComposeError
from compose.names import SERVICES
from compose.program import Program
from compose.supervisor import Supervisor
from compose.tests.unit.stacks import a_stack

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
FAIL = (sys.executable, "-c", "import sys; sys.exit('the new code is broken')")


def never():
    raise ConnectionRefusedError("nobody listens")


@pytest.fixture
def platform(tmp_path, monkeypatch):
    """A real supervisord with one service that only sleeps, and its stand-in."""
    stack = a_stack(tmp_path)
    stack.layout.create()
    monkeypatch.setattr(lifecycle, "migrate", lambda stack, names: None)
    monkeypatch.setattr(restart.ports, "must_be_free", lambda variables, ports: None)
    defined = {}

    def define(command=SLEEP, ready=lambda: None):
        stand_in = Program("campaign-stand-in", command, stack.layout.run_dir, ready)
        defined.update(service=replace(stand_in, name="campaign", command=SLEEP, ready=lambda: None))
        defined.update(stand_in=stand_in)
        Supervisor(stack.layout).apply(defined.values())

    monkeypatch.setattr(programs, "service", lambda name, stack: defined["service"])
    monkeypatch.setattr(programs, "stand_in", lambda name, stack: defined["stand_in"])
    define()
    supervisor = Supervisor(stack.layout)
    supervisor.start(["campaign"])
    yield stack, supervisor, define
    supervisor.shut_down()


def pid(supervisor, name="campaign"):
    return supervisor.details()[name]["pid"]


def test_a_service_is_replaced_while_its_stand_in_serves(platform):
    stack, supervisor, _ = platform
    old, told = pid(supervisor), []

    restart.run(stack, "campaign", told.append)

    assert pid(supervisor) not in (old, 0)
    assert supervisor.running() == {"campaign"}
    assert [text.partition(": ")[2] for text in told] == [
        "starting campaign-stand-in",
        "stopping the old process",
        "starting campaign",
        "restarted",
    ]


def test_a_stand_in_that_fails_leaves_the_old_process_untouched(platform):
    stack, supervisor, define = platform
    define(FAIL, never)
    old = pid(supervisor)

    with pytest.raises(ComposeError, match="campaign was not touched: its old process goes on"):
        restart.run(stack, "campaign", lambda text: None)

    assert pid(supervisor) == old
    assert supervisor.running() == {"campaign"}


def test_a_restart_that_was_interrupted_is_finished_by_the_next(platform):
    stack, supervisor, _ = platform
    supervisor.start(["campaign-stand-in"])
    supervisor.stop(["campaign"])

    restart.run(stack, "campaign", lambda text: None)

    assert supervisor.running() == {"campaign"}


def test_what_is_neither_a_service_nor_the_gateway_is_refused():
    with pytest.raises(ComposeError, match="'rabbitmq' is not restarted this way"):
        restart.chosen("rabbitmq")


def test_everything_of_ours_is_restarted_when_nothing_is_named():
    assert restart.chosen("") == [*SERVICES, "gateway"]


def test_a_stand_in_is_its_service_on_another_port(tmp_path):
    stack = a_stack(tmp_path)
    service, stand_in = programs.service("campaign", stack), programs.stand_in("campaign", stack)

    assert stand_in.command == service.command
    assert {k for k in service.environment if service.environment[k] != stand_in.environment[k]} == {
        "HEALTH_PORT"
    }


def test_a_stand_in_is_shown_only_while_it_is_there():
    idle, serving = {"statename": "STOPPED"}, {"statename": "RUNNING"}

    assert not status.is_shown("campaign-stand-in", {"campaign-stand-in": idle, "campaign": serving})
    assert status.is_shown("campaign-stand-in", {"campaign-stand-in": serving})
    assert not status.is_shown("campaign-stand-in", {})
    assert status.is_shown("campaign", {})


def test_the_children_of_a_process_are_those_that_it_has_started():
    child = subprocess.Popen(SLEEP)
    try:
        assert child.pid in processes.children(os.getpid())
        assert os.getpid() not in processes.children(os.getpid())
    finally:
        child.kill()
        child.wait()
    assert child.pid not in processes.children(os.getpid())
