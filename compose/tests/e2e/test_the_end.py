"""What the platform of this suite has answered, and leaves behind. Its file is read last, since nothing is up
after it."""

import os
import socket
from pathlib import Path

import httpx

from chassis.testing import eventually
from compose.security import conformance


def test_whatever_it_has_answered_is_in_its_document(platform):
    gateway = platform.status()["addresses"]["gateway"]
    metrics, document = httpx.get(f"{gateway}/metrics").text, httpx.get(f"{gateway}/openapi.json").json()

    assert conformance.undocumented(metrics, document) == []
    assert len(list(conformance.counted(metrics))) > 100


def test_nothing_is_left_behind_when_it_is_taken_down(platform):
    ports = [int(address.rpartition(":")[2].split("/")[0]) for address in listening(platform)]

    assert platform.compose("down").returncode == 0

    assert processes_of(platform.run_dir) == []
    eventually(lambda: not any(is_open(port) for port in ports))


def listening(platform):
    return [
        p["address"] for p in platform.status()["programs"] if p["address"].rpartition(":")[2][:2].isdigit()
    ]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def processes_of(run_dir):
    """Command lines of the processes that were started for this platform, by their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(run_dir).encode() in told:
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found
