"""Replaces the gateway's workers while its master keeps the port: new ones begin before the old ones stop."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable

import httpx

from compose import environment, processes
from compose.errors import ComposeError
from compose.layout import REPOSITORY
from compose.lifecycle import inherited
from compose.names import GATEWAY
from compose.programs import gateway
from compose.stack import Stack
from compose.supervisor import Supervisor

SECONDS_TO_CHECK = 60
SECONDS_TO_START = 90
SECONDS_TO_STOP = 20
SECONDS_BETWEEN_LOOKS = 0.2
READY = re.compile(r'^gateway_worker_ready\{pid="(\d+)"\} (\d)', re.MULTILINE)


def replace(stack: Stack, say: Callable[[str], None]) -> None:
    """A worker that cannot load its code takes gunicorn down as a whole, so that is tried out first."""
    say("trying the new code out")
    check(stack)
    master = int(Supervisor(stack.layout).details()[GATEWAY]["pid"])
    # An earlier restart may have been interrupted, and left some that still begin or stop.
    wait(
        "each worker takes requests",
        lambda: ready(stack, master) == processes.children(master),
        SECONDS_TO_START,
    )
    old = processes.children(master)
    say(f"starting {environment.GATEWAY_WORKERS} workers beside {len(old)}")
    for _ in range(environment.GATEWAY_WORKERS):
        add_one(master)
    wait(
        "the new workers are ready",
        lambda: len(ready(stack, master) - old) >= environment.GATEWAY_WORKERS,
        SECONDS_TO_START,
    )
    say("stopping the old ones")
    for _ in old:
        remove_one(stack, master)
    wait("the old workers have gone", lambda: not processes.children(master) & old, SECONDS_TO_STOP)


def check(stack: Stack) -> None:
    with tempfile.TemporaryDirectory() as metrics:
        done = subprocess.run(
            [*gateway(stack).command, "--check-config"],
            cwd=REPOSITORY,
            env={
                **inherited(),
                **environment.of_process(GATEWAY, stack),
                "PROMETHEUS_MULTIPROC_DIR": metrics,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_CHECK,
            check=False,
        )
    if done.returncode != 0:
        raise ComposeError(f"{done.stderr.strip()}\nThe gateway was not touched: its old workers go on.")


def add_one(master: int) -> None:
    """A signal that comes twice at once counts once, so each is waited for."""
    before = processes.children(master)
    os.kill(master, signal.SIGTTIN)
    wait("a worker has started", lambda: bool(processes.children(master) - before), SECONDS_TO_STOP)


def remove_one(stack: Stack, master: int) -> None:
    """gunicorn stops its oldest worker."""
    before = ready(stack, master)
    os.kill(master, signal.SIGTTOU)
    wait("a worker stops", lambda: ready(stack, master) < before, SECONDS_TO_STOP)


def ready(stack: Stack, master: int) -> set[int]:
    return {pid for pid, state in workers(stack, master).items() if state}


def workers(stack: Stack, master: int) -> dict[int, int]:
    """Each living worker that has begun: 1 while it takes requests, 0 when it stops."""
    if not processes.is_alive(master):
        raise ComposeError(f"The gateway has died meanwhile; {stack.layout.logs / 'gateway.log'} says why.")
    alive = processes.children(master)
    text = httpx.get(f"{stack.public_url}/metrics", timeout=SECONDS_TO_STOP).raise_for_status().text
    return {int(pid): int(state) for pid, state in READY.findall(text) if int(pid) in alive}


def wait(what: str, check: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            raise ComposeError(
                f"Not within {seconds:.0f} s: {what}. The gateway serves; run the restart again to finish it."
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)
