"""Makes the machine ready: distribution packages, virtual environment, hash-checked dependencies.

The system's own python3 runs this before anything is installed, so it is written with the standard library
alone and for any Python 3.8 or later. Running it again costs a fraction of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from compose import packages
from compose.errors import ComposeError, SetupImpossible
from compose.progress import say

REPOSITORY = Path(__file__).resolve().parent.parent
VENV = REPOSITORY / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
BOOTSTRAP = "requirements-bootstrap.lock"
LOCKS = ("requirements.lock", "requirements-dev.lock")

# The libraries that the platform stands on were measured on this version.
PYTHON = "3.11"


def main() -> None:
    VENV.mkdir(exist_ok=True)
    with (VENV / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_packages()
        make_virtual_environment()
        install_dependencies()


def install_packages() -> None:
    needs = packages.missing()
    if not can_make_environments():
        needs.append(packages.Need(f"Python {PYTHON} with venv", (), (f"python{PYTHON}-venv",)))
    if needs:
        say(f"Installing packages of the distribution: {', '.join(need.packages[0] for need in needs)}")
        packages.install(needs)


def can_make_environments() -> bool:
    if environment_works():
        return True
    python = find_python()
    return bool(python) and succeeds([str(python), "-c", "import ensurepip, venv"])


def environment_works() -> bool:
    return succeeds([str(VENV_PYTHON), "-c", f"import pip, sys; assert sys.version.startswith('{PYTHON}.')"])


def succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def find_python() -> str | None:
    if sys.version.startswith(f"{PYTHON}."):
        return sys.executable
    return shutil.which(f"python{PYTHON}")


def make_virtual_environment() -> None:
    if environment_works():
        return
    python = find_python()
    if not python:
        raise SetupImpossible(
            f"Python {PYTHON} is needed and this machine has none; install it, "
            f"or name it with 'make PYTHON=/path/to/python{PYTHON} ...'."
        )
    say(f"Making a virtual environment with {python}")
    STAMP.unlink(missing_ok=True)
    subprocess.run([python, "-m", "venv", str(VENV)], check=True)


def install_dependencies() -> None:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    say("Installing the pinned dependencies")
    arguments = [part for lock in LOCKS for part in ("-r", lock)]
    if not install_with_uv(arguments):
        say("uv cannot be used here, so pip installs them, which takes longer")
        pip("--require-hashes", *arguments)
    STAMP.write_text(wanted)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in (BOOTSTRAP, *LOCKS):
        digest.update((REPOSITORY / name).read_bytes())
    return digest.hexdigest()


def install_with_uv(arguments: list[str]) -> bool:
    try:
        pip("--require-hashes", "-r", BOOTSTRAP)
    except subprocess.CalledProcessError:
        return False
    command = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--require-hashes", *arguments]
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    try:
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode == 0
    except OSError:
        return False


def pip(*arguments: str) -> None:
    quiet = ("--quiet", "--quiet", "--disable-pip-version-check", "--no-input")
    subprocess.run([str(VENV_PYTHON), "-m", "pip", "install", *quiet, *arguments], cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    try:
        main()
    except ComposeError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"'{' '.join(map(str, error.cmd))}' failed with status {error.returncode}.")
    except KeyboardInterrupt:
        sys.exit(130)
