"""`make check`: formatting, lint, types and who may import whom."""

import subprocess
import time
from pathlib import Path

from compose.layout import REPOSITORY
from compose.names import GATEWAY, SERVICES
from compose.progress import say

SCRIPTS = REPOSITORY / ".venv" / "bin"


def commands() -> dict[str, list[str]]:
    packages = [
        name for name in ("chassis", *SERVICES, GATEWAY, "compose") if Path(REPOSITORY, name).is_dir()
    ]
    return {
        "formatting": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy", *packages],
        "imports": ["lint-imports"],
    }


def run() -> int:
    """The number of checks that failed; each runs even when another has failed."""
    return sum(not passes(name, command) for name, command in commands().items())


def passes(name: str, command: list[str]) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    passed = done.returncode == 0
    say(f"{name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s")
    if not passed:
        print(f"{done.stdout}{done.stderr}".strip(), flush=True)
    return passed
