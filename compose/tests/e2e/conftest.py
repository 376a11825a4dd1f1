"""A whole platform of its own: own servers, own ports, own data; everything is gone at the end."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.layout import REPOSITORY

RUN_SECONDS = 300


@dataclass
class Platform:
    run_dir: Path
    environ: dict[str, str]

    def compose(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "compose", *arguments],
            cwd=REPOSITORY,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def status(self) -> dict:
        return json.loads(self.compose("status", "--json").stdout)

    def result(self) -> dict:
        return json.loads((self.run_dir / "demo" / "result.json").read_text())


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """`make run` on nothing; `run` is what it printed."""
    run_dir = tmp_path_factory.mktemp("platform")
    kept = {k: v for k, v in os.environ.items() if not k.endswith(("_URI", "_URL", "_PORT"))}
    own = Platform(run_dir, kept | {"RUN_DIR": str(run_dir), "PORT_OFFSET": "auto"})
    own.run = own.compose("run")
    yield own
    own.compose("clean")
