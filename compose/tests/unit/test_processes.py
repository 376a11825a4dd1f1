import os
import subprocess
import sys

import pytest

from compose import layout, processes
from compose.layout import Layout
from compose.supervisor import MARK

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def orphan(tmp_path):
    process = subprocess.Popen(SLEEP, env={**os.environ, MARK: str(tmp_path)}, stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_a_process_of_the_stack_is_found_without_its_supervisord(orphan, tmp_path):
    assert processes.of_stack(Layout(tmp_path)) == [orphan.pid]


def test_a_process_of_another_stack_is_left_alone(orphan, tmp_path):
    assert processes.of_stack(Layout(tmp_path / "other")) == []


def test_stopping_ends_the_process(orphan):
    processes.stop([orphan.pid])

    assert orphan.wait(timeout=5) != 0


def test_a_file_that_names_somebody_elses_process_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "everyone_may_enter", lambda folder: True)
    stack = Layout(tmp_path)
    stack.postgres.mkdir()
    (stack.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n")

    assert processes.postmaster(stack) == []
