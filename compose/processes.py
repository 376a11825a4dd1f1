"""Finds processes of a stack whose supervisord is gone, and stops them."""

import os
import signal
import time
from pathlib import Path

from compose.layout import Layout
from compose.supervisor import MARK

SECONDS_TO_STOP = 20


def of_stack(layout: Layout) -> list[int]:
    """Processes that carry the stack's mark, and its PostgreSQL, which overwrites its environment."""
    mark = f"{MARK}={layout.run_dir}".encode()
    marked = [pid for pid in all_processes() if mark in read(pid, "environ").split(b"\0")]
    return sorted({*marked, *postmaster(layout)} - {os.getpid()})


def children(pid: int) -> set[int]:
    """The living processes that this one has started itself."""
    return {found for found in all_processes() if parent(found) == pid and is_alive(found)}


def parent(pid: int) -> int:
    """0 when the process has ended."""
    status = read(pid, "stat").rpartition(b")")[2].split()
    return int(status[1]) if status else 0


def all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def read(pid: int, file: str) -> bytes:
    """Empty when the process has ended or belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""


def postmaster(layout: Layout) -> list[int]:
    try:
        pid = int((layout.postgres / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return []
    return [pid] if str(layout.postgres).encode() in read(pid, "cmdline") else []


def is_alive(pid: int) -> bool:
    """A process that has ended and waits to be collected by its parent is not alive."""
    status = read(pid, "stat").rpartition(b")")[2].split()
    return bool(status) and status[0] != b"Z"


def stop(pids: list[int]) -> None:
    """Asks first and kills what has not gone in time."""
    send(pids, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS_TO_STOP
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    send([pid for pid in pids if is_alive(pid)], signal.SIGKILL)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
