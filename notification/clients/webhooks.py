"""One HTTP request to a server that a stranger has named.

The name is resolved once, every address of it is judged, and the connection goes to one of those: what it
would resolve to a moment later is never asked. No redirect is followed, no proxy used, and of the answer
only the status and its headers are read.
"""

from __future__ import annotations

import http.client
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult

import eventlet
from eventlet import tpool
from eventlet.green import socket
from eventlet.patcher import original

from notification.domain.addresses import UrlRefused, check_url, is_public, port_of
from notification.domain.webhooks import Attempt

# The system's resolver blocks, so it runs in a thread. eventlet's own is switched off (RELIABILITY.md).
getaddrinfo = original("socket").getaddrinfo

TIMEOUT, NAME, ADDRESS, TLS, CONNECTION = "timeout", "name", "address", "tls", "connection"
FAILURES = (TIMEOUT, NAME, ADDRESS, TLS, CONNECTION)

USER_AGENT = "Gametriggers-Webhooks/1.0"
SECONDS = re.compile(r"[0-9]{1,6}")


class Failed(Exception):
    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


class HttpPoster:
    """`seconds` is for all of a request, from the look-up of its name to the head of the answer."""

    def __init__(self, seconds: float, *, allow_local: bool) -> None:
        self._seconds = seconds
        self._allow_local = allow_local
        self._context = ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> Attempt:
        started = time.monotonic()
        status, retry_after, failure = None, None, None
        try:
            with eventlet.Timeout(self._seconds, Failed(TIMEOUT)):
                status, retry_after = self._exchange(url, headers, body)
        except Failed as error:
            failure = error.failure
        except ssl.SSLError:
            failure = TLS
        except TimeoutError:
            failure = TIMEOUT
        except (OSError, http.client.HTTPException):
            failure = CONNECTION
        duration_ms = int((time.monotonic() - started) * 1000)
        return Attempt(at, status, failure, duration_ms, retry_after)

    def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, int | None]:
        try:
            parts = check_url(url, allow_local=self._allow_local)
        except UrlRefused:
            # It was accepted under other rules.
            raise Failed(ADDRESS) from None
        context = self._context if parts.scheme == "https" else None
        with closing(Pinned(parts, self._addresses(parts), self._seconds, context)) as connection:
            connection.request("POST", target_of(parts), body, {**STANDING, **headers})
            answer = connection.getresponse()
            return answer.status, seconds_in(answer.getheader("Retry-After"))

    def _addresses(self, parts: SplitResult) -> Sequence[Any]:
        """What the name resolves to, unless one of its addresses is none of the public internet."""
        try:
            found = tpool.execute(getaddrinfo, parts.hostname, port_of(parts), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Failed(NAME) from None
        if not self._allow_local and not all(is_public(ip_address(entry[4][0])) for entry in found):
            raise Failed(ADDRESS)
        return found


STANDING = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Connection": "close"}


class Pinned(http.client.HTTPConnection):
    """A connection to one of these addresses; the certificate has to be for the name, as always."""

    def __init__(
        self, parts: SplitResult, addresses: Sequence[Any], seconds: float, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(parts.hostname or "", port_of(parts), timeout=seconds)
        self.default_port = 443 if context else 80
        self._addresses = addresses
        self._tls = context

    def connect(self) -> None:
        plain = self._first_that_answers()
        self.sock = plain if self._tls is None else self._secured(self._tls, plain)

    def _secured(self, context: ssl.SSLContext, plain: Any) -> Any:
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def _first_that_answers(self) -> Any:
        last: OSError = ConnectionError("the name has no address")
        for family, kind, protocol, _, address in self._addresses:
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(self.timeout)
                plain.connect(address)
                return plain
            except OSError as error:
                plain.close()
                last = error
            except BaseException:
                plain.close()
                raise
        raise last


def target_of(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def seconds_in(retry_after: str | None) -> int | None:
    """A number of seconds; dates are not worth a parser here."""
    if retry_after is None or not SECONDS.fullmatch(retry_after):
        return None
    return int(retry_after)
