"""Installs the distribution's packages that the local stack runs. Standard library only.

`python3 -m compose.packages NAME...` is the part that needs root. Debian starts a server as soon as it is
installed; a policy-rc.d that says no keeps it from doing so here, and is removed again afterwards.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from compose.errors import SetupImpossible

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = """#!/bin/sh
# Written by gametriggers while it installs packages, and removed again afterwards.
exit 101
"""
LOCK = Path("/run/lock/gametriggers-packages")
SECONDS_TO_WAIT_FOR_APT = 300


class Need(NamedTuple):
    """Something that has to be on the machine: where it shows, and which packages may bring it."""

    purpose: str
    files: tuple[str, ...]
    packages: tuple[str, ...]
    preset: str = ""

    def is_met(self) -> bool:
        return any(shutil.which(name) or glob.glob(name) for name in self.files)


NEEDS = (
    Need("RabbitMQ", ("/usr/lib/rabbitmq/bin/rabbitmq-server",), ("rabbitmq-server",), "AMQP_URI"),
    Need("PostgreSQL", ("/usr/lib/postgresql/*/bin/postgres", "initdb"), ("postgresql",), "DATABASE_URL"),
    Need("Redis", ("redis-server",), ("redis-server",), "REDIS_URL"),
    # The guides of the developer portal are typed by a test.
    Need("curl", ("curl",), ("curl",)),
    Need("FFmpeg", ("ffmpeg",), ("ffmpeg",)),
    Need("Chromium", ("chromium", "chromium-browser", "google-chrome"), ("chromium", "chromium-browser")),
)


def missing(needs: tuple[Need, ...] = NEEDS) -> list[Need]:
    """A server whose address is set beforehand is not needed here."""
    return [need for need in needs if not need.is_met() and not (need.preset and os.environ.get(need.preset))]


def install(needs: list[Need]) -> None:
    """Raises SetupImpossible with what a person has to do when this account cannot do it."""
    wanted = [need.packages[0] for need in needs]
    by_hand = f"Install {', '.join(need.purpose for need in needs)} and run this again"
    if not shutil.which("apt-get"):
        raise SetupImpossible(f"There is no apt-get on this machine. {by_hand}.")
    if os.geteuid() != 0 and not shutil.which("sudo"):
        raise SetupImpossible(
            f"This account is not root and there is no sudo. {by_hand}: {' '.join(wanted)}."
        )
    command = [sys.executable, "-m", "compose.packages", *("|".join(need.packages) for need in needs)]
    if os.geteuid() != 0:
        command = ["sudo", *([] if sys.stdin.isatty() else ["-n"]), *command]
    if subprocess.run(command, check=False).returncode != 0:
        raise SetupImpossible(
            f"The packages could not be installed; the lines above say why. "
            f"Run 'apt-get install {' '.join(wanted)}' as root and try again."
        )


def install_as_root(alternatives: list[str]) -> None:
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        policy_is_ours = forbid_starts()
        try:
            apt_get("update")
            apt_get("install", "--no-install-recommends", *(available(names) for names in alternatives))
        finally:
            if policy_is_ours:
                POLICY.unlink(missing_ok=True)


def forbid_starts() -> bool:
    """False when the machine has a policy of its own, which is then left as it is."""
    if POLICY.is_symlink() or (POLICY.exists() and POLICY.read_text() != POLICY_TEXT):
        return False
    POLICY.write_text(POLICY_TEXT)
    POLICY.chmod(0o755)
    return True


def apt_get(*arguments: str) -> None:
    """What the packages' scripts say is shown only when something fails."""
    wait = f"DPkg::Lock::Timeout={SECONDS_TO_WAIT_FOR_APT}"
    done = subprocess.run(
        ["apt-get", "-o", wait, "-y", "-qq", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, flush=True)
        raise SetupImpossible(f"apt-get {' '.join(arguments)} failed with status {done.returncode}.")


def available(alternatives: str) -> str:
    """The first of `one|another` that the package sources know, else the first, so that apt says why not."""
    names = alternatives.split("|")
    for name in names:
        shown = subprocess.run(["apt-cache", "show", name], capture_output=True, text=True, check=False)
        if shown.returncode == 0 and shown.stdout.strip():
            return name
    return names[0]


if __name__ == "__main__":
    try:
        install_as_root(sys.argv[1:])
    except SetupImpossible as error:
        sys.exit(str(error))
