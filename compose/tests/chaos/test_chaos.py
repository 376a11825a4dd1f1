"""The rows of `make chaos` that are fast and certain, in short. Its servers belong to other suites too."""

import os

import pytest

from compose.chaos.rig import Rig
from compose.chaos.servers import Servers
from compose.chaos.table import SHORT

SEED = 20261123
LINES = 40
"""Of a program's log, where its test has failed."""

# A busy machine takes its time to start a process, and each row starts several.
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("row", SHORT, ids=lambda row: row.name)
def test_a_promise_is_kept(row, tmp_path):
    with Rig(Servers.of_environment(os.environ), tmp_path, SEED) as rig:
        findings = row.run(rig, row.count)

    assert findings.violations == [], last_words(tmp_path)


def test_a_promise_breaks_without_its_guard(tmp_path):
    """An event that is handled without an inbox is handled twice, and the comparison sees it."""
    [row] = [row for row in SHORT if row.name == "failpoints"]
    # What is doubled stays so; there is nothing to be patient for.
    with Rig(Servers.of_environment(os.environ), tmp_path, SEED, guard_off="inbox", patience=3) as rig:
        findings = row.run(rig, row.count)

    assert any("doubled" in violation for violation in findings.violations)


def last_words(folder):
    """The end of each program's log: the folder is gone when somebody reads of a failure."""
    ends = {log.name: log.read_text(errors="replace").splitlines()[-LINES:] for log in folder.glob("*.log")}
    return "\n".join(f"{name}: {line}" for name, lines in ends.items() for line in lines)
