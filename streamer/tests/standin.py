"""Runs the local Twitch in a process of its own and tells it what to say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID, CLIENT_SECRET = "client-for-tests", "secret-for-tests"


class LocalTwitch:
    def __init__(self, url: str) -> None:
        self.url = url

    def has(self, login: str, **channel: Any) -> None:
        self._control("PUT", f"users/{login}", channel)

    def is_down(self, active: bool) -> None:
        self._control("PUT", "outage", {"active": active})

    def forgets_its_tokens(self) -> None:
        self._control("DELETE", "tokens", None)

    def asked(self, path: str) -> int:
        return int(httpx.get(f"{self.url}/_control/requests").json().get(path, 0))

    def _control(self, method: str, path: str, body: Any) -> None:
        httpx.request(method, f"{self.url}/_control/{path}", json=body).raise_for_status()


@contextmanager
def local_twitch(state_file: Path | None = None) -> Iterator[LocalTwitch]:
    environ = os.environ | {
        "TWITCH_PORT": "0",
        "TWITCH_CLIENT_ID": CLIENT_ID,
        "TWITCH_CLIENT_SECRET": CLIENT_SECRET,
        "STATE_FILE": str(state_file or ""),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "compose.outside.twitch"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield LocalTwitch(process.stdout.readline().split()[-1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
