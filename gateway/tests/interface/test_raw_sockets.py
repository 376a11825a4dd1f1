"""What no client of ours would send, over raw sockets: it gets 4xx or nothing, and harms nobody.

A request that two parsers could read differently must be refused: behind a proxy that reads it the other way,
what follows it would be taken for the next client's request.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from chassis.testing import eventually
from gateway.tests.interface.conftest import Gunicorn

BODY_SECONDS = 1.0
# A connection that has not sent the whole head of a request by then is closed: gunicorn's `keepalive`.
HEAD_SECONDS = 15.0

# RFC 9112, 6.1: what a server says to a transfer coding that it does not understand.
UNKNOWN_CODING = 501

LOGIN = b"POST /v1/brands/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"0\r\n\r\n" + SMUGGLED

AMBIGUOUS = {
    "length and chunks": LOGIN + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunks and length": LOGIN + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n" + CHUNKED,
    "unknown coding": LOGIN + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
    "chunked is not last": LOGIN + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED,
    "chunked twice": LOGIN + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "coding in quotes": LOGIN + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKED,
    "space before the colon": LOGIN + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED,
    "tab before the colon": LOGIN + b"Content-Length\t: 6\r\n\r\n" + CHUNKED,
    "vertical tab": LOGIN + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + CHUNKED,
    "coding is folded": LOGIN + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED,
    "folded header": LOGIN + b"X-Folded: a\r\n b\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "two lengths": LOGIN + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + SMUGGLED,
    "two equal lengths": LOGIN + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SMUGGLED,
    "list of lengths": LOGIN + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED,
    "positive length": LOGIN + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
    "negative length": LOGIN + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "hexadecimal length": LOGIN + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED,
    "length with an underscore": LOGIN + b"Content-Length: 0_0\r\n\r\n" + SMUGGLED,
    "chunks of HTTP/1.0": LOGIN.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunk size with a sign": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + SMUGGLED,
    "chunk size with a prefix": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + SMUGGLED,
    "chunk that is longer than it says": LOGIN
    + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxxxx0\r\n\r\n"
    + SMUGGLED,
    "header without a colon": LOGIN + b"Nonsense\r\n\r\n" + SMUGGLED,
    "space in a header's name": LOGIN + b"X Y: 1\r\n\r\n" + SMUGGLED,
    "NUL in a header": LOGIN + b"X-Y: a\x00b\r\n\r\n" + SMUGGLED,
    "carriage return in a header": LOGIN + b"X-Y: a\rTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "line feed in a header": LOGIN + b"X-Y: a\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "no version": b"GET /health/live\r\n\r\n" + SMUGGLED,
    "another version": b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n" + SMUGGLED,
    "a word too many": b"GET /health/live x HTTP/1.1\r\nHost: x\r\n\r\n" + SMUGGLED,
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + SMUGGLED,
}
TOO_LARGE = {
    "request line": b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "header": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Y: " + b"a" * 9000 + b"\r\n\r\n",
    "headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"X-Y: a\r\n" * 100 + b"\r\n",
    "length": LOGIN + b"Content-Length: 99999999999\r\n\r\n",
}
FILES = ("etc/passwd", "gateway/settings.py", "settings.py")
STEPS = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%5c",
    "..\\",
    "%252e%252e%252f",
    "%c0%ae%c0%ae/",
    "....//",
    "/",
)
TRAVERSALS = [
    f"{root}{step * count}{file}"
    for root in ("/pages/", "/docs/", "/media/", "/docs/guides/", "/")
    for step in STEPS
    for count, file in zip((6, 2, 1), FILES, strict=True)
]
INJECTED = (
    "%0d%0aX-Injected:%201",
    "%0aX-Injected:%201",
    "%E5%98%8A%E5%98%8DX-Injected:%201",
    "%0d%0a%0d%0aX-Injected",
)
PLACES = (
    "/v1/campaigns/{}",
    "/docs/guides/{}",
    "/pages/{}",
    "/{}",
    "/v1/campaigns?cursor={}",
    "/media/{}?expires={}",
)


@pytest.fixture
def settings_env(settings_env: dict[str, str]) -> dict[str, str]:
    return settings_env | {"BODY_SECONDS": str(BODY_SECONDS)}


def send(gunicorn: Gunicorn, data: bytes, seconds: float = HEAD_SECONDS + 5) -> bytes:
    """All that comes back until the connection is closed, after which nothing more is sent."""
    address = urlsplit(gunicorn.url)
    with socket.create_connection((address.hostname, address.port), timeout=seconds) as connection:
        connection.sendall(data)
        return b"".join(received(connection))


def received(connection: socket.socket) -> Iterator[bytes]:
    try:
        while data := connection.recv(65536):
            yield data
    except ConnectionResetError:
        return


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def workers(gunicorn: Gunicorn) -> set[str]:
    pid = gunicorn.process.pid
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_what_is_no_sound_request_gets_4xx_or_nothing_and_harms_nobody(gunicorn: Gunicorn) -> None:
    before = workers(gunicorn)

    with ThreadPoolExecutor(16) as pool:
        dripping = pool.submit(seconds_of_dripping_headers, gunicorn)
        ambiguous = dict(
            zip(AMBIGUOUS, pool.map(lambda data: send(gunicorn, data), AMBIGUOUS.values()), strict=True)
        )
        too_large = dict(
            zip(TOO_LARGE, pool.map(lambda data: send(gunicorn, data), TOO_LARGE.values()), strict=True)
        )
        slow = pool.submit(drip_a_body, gunicorn).result()

    for name, answer in {**ambiguous, **too_large}.items():
        found = statuses(answer)
        assert len(found) <= 1, (name, answer)
        assert all(400 <= status < 500 or status == UNKNOWN_CODING for status in found), (name, answer)
    assert b"smuggled" not in b"".join(ambiguous.values())
    assert statuses(slow) == [408]
    assert dripping.result() < HEAD_SECONDS + 4

    assert_nothing_is_let_through(gunicorn)
    assert_nothing_is_injected(gunicorn)
    assert workers(gunicorn) == before
    assert len(before) == 2
    eventually(gunicorn.is_ready, deadline=10)
    assert not [line for line in gunicorn.lines() if line.get("level") in ("ERROR", "CRITICAL")]


def seconds_of_dripping_headers(gunicorn: Gunicorn) -> float:
    address = urlsplit(gunicorn.url)
    started = time.monotonic()
    with socket.create_connection((address.hostname, address.port), timeout=1) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
        try:
            while time.monotonic() - started < 3 * HEAD_SECONDS:
                connection.sendall(b"X-Y: 1\r\n")
                time.sleep(0.5)
        except OSError:
            pass
    return time.monotonic() - started


def drip_a_body(gunicorn: Gunicorn) -> bytes:
    address = urlsplit(gunicorn.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(LOGIN + b"Content-Length: 1000\r\n\r\n")
        ends = time.monotonic() + 3 * BODY_SECONDS
        while time.monotonic() < ends:
            try:
                connection.sendall(b" ")
            except OSError:
                break
            time.sleep(0.1)
        return b"".join(received(connection))


def assert_nothing_is_let_through(gunicorn: Gunicorn) -> None:
    for path in TRAVERSALS:
        answer = send(gunicorn, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        [status] = statuses(answer)
        assert 400 <= status < 500, (path, answer)
        assert b"root:" not in answer, path
        assert b"GatewaySettings" not in answer, path


def assert_nothing_is_injected(gunicorn: Gunicorn) -> None:
    with httpx.Client(base_url=gunicorn.url) as client:
        for place in PLACES:
            for text in INJECTED:
                answer = client.get(place.format(text, text))
                assert 400 <= answer.status_code < 500, (place, text)
                assert "X-Injected" not in answer.headers, (place, text)
        spoofed = {"X-Request-Id": "abcdefgh%0d%0aX-Injected:1", "Origin": "https://evil.example\tX"}
        answer = client.get("/health/live", headers=spoofed)
    assert answer.headers["X-Request-Id"] != spoofed["X-Request-Id"]
    assert "Access-Control-Allow-Origin" not in answer.headers
