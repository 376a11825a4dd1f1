from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

FORKED = """
import runpy, sys
from unittest.mock import Mock
import chassis.logs, gateway.logfilter
settings = runpy.run_path("gateway/gunicorn.conf.py")
settings["post_fork"](Mock(), Mock())
print(sorted(name for name in sys.modules if name.split(".")[0] in ("gateway", "chassis")))
"""


def test_a_worker_keeps_nothing_of_our_code_that_the_master_has_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORKED]

    output = subprocess.run(
        command,
        cwd=ROOT,
        env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output.strip() == "[]"
