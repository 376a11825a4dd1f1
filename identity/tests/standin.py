"""Runs a local provider in a process of its own, and is the browser that goes there and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID, CLIENT_SECRET = "client-for-tests", "secret-for-tests"
PUBLIC_URL = "http://127.0.0.1:8000"


class LocalProvider:
    def __init__(self, url: str, issuer: str, process: subprocess.Popen[str]) -> None:
        self.url, self.issuer, self._process = url, issuer, process

    def has(self, subject: str, **person: Any) -> None:
        known = {"username": "nova", "email": "nova@stream.example", "email_verified": True}
        httpx.put(f"{self.url}/_control/people/{subject}", json=known | person).raise_for_status()

    def takes_back_the_tokens_of(self, subject: str) -> None:
        httpx.post(f"{self.url}/_control/revoke/{subject}").raise_for_status()

    def goes_away(self) -> None:
        self._process.kill()
        self._process.wait()

    def visit(self, authorize_url: str, subject: str = "") -> dict[str, str]:
        """Log in there as `subject` (or cancel), and what the provider then appends to the callback."""
        page = httpx.get(authorize_url)
        assert page.status_code == 200, page.text
        sent_back = httpx.post(authorize_url, data={"subject": subject})
        query = parse_qs(urlsplit(sent_back.headers["Location"]).query)
        return {name: values[0] for name, values in query.items() if name in ("code", "state", "error")}


@contextmanager
def local_provider(name: str) -> Iterator[LocalProvider]:
    """`name` is twitch or google."""
    is_twitch = name == "twitch"
    callback = f"{PUBLIC_URL}/v1/oauth/{'twitch' if is_twitch else 'youtube'}/callback"
    environ = os.environ | {
        f"{name.upper()}_PORT": "0",
        f"{name.upper()}_CLIENT_ID": CLIENT_ID,
        f"{name.upper()}_CLIENT_SECRET": CLIENT_SECRET,
        "REDIRECT_URIS": callback,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", f"compose.outside.{name}"],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        yield LocalProvider(url, f"{url}/oauth2" if is_twitch else url, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
