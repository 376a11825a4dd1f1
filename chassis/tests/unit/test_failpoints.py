import os
import signal
import subprocess
import sys

import pytest

from chassis import failpoints


def deaths_at(text, *reached):
    died = []
    reach = failpoints.armed(text, lambda: died.append(True))
    for name in reached:
        reach(name)
    return len(died)


def test_a_process_dies_at_the_point_that_is_named_and_at_no_other():
    assert deaths_at("commit.after", "commit.before", "publish.before") == 0
    assert deaths_at("commit.after", "commit.before", "commit.after") == 1


def test_it_dies_when_the_point_is_reached_for_the_nth_time():
    assert deaths_at("mark.before:3", *["mark.before"] * 2) == 0
    assert deaths_at("mark.before:3", *["mark.before"] * 3) == 1


def test_a_point_that_does_not_exist_is_refused():
    with pytest.raises(failpoints.UnknownFailpoint):
        failpoints.armed("comit.after", lambda: None)


def test_nothing_handles_the_death():
    program = "import atexit; atexit.register(print, 'tidied up')\nfrom chassis import failpoints\n"
    command = [sys.executable, "-c", f"{program}failpoints.reach('commit.after'); print('alive')"]

    done = subprocess.run(command, env=os.environ | {"FAILPOINT": "commit.after"}, capture_output=True)

    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
