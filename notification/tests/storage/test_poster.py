"""The client for webhooks against real sockets. Names are resolved by a table of the test's own."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from notification.clients import HttpPoster, webhooks
from notification.domain.webhooks import Attempt
from notification.tests.mothers import NOON
from notification.tests.storage.test_mailer import self_signed
from notification.tests.storage.test_stores import closed_port

HEADERS = {"webhook-id": "msg_1", "webhook-signature": "v1,abc"}
ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"


class Server:
    """Answers every connection with the same bytes, or as `serve` does; `heard` is what came."""

    def __init__(self, answer: bytes = ACCEPTED, serve: Callable[[Any], None] | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard: list[bytes] = []
        self._answer, self._serve = answer, serve
        Thread(target=self._run, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=k"

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection: Any) -> None:
        if self._serve is not None:
            self._serve(connection)
            return
        request = b""
        while not request.endswith(b"}"):
            received = connection.recv(65_536)
            if not received:
                return
            request += received
        self.heard.append(request)
        connection.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*arguments: Any, **options: Any) -> Server:
        started.append(Server(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[tuple[str, int]]]]:
    """By name, what each look-up of it gives; the last answer stays."""
    table: dict[str, list[list[tuple[str, int]]]] = {}

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        if host not in table:
            raise socket.gaierror
        answers = table[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, to or port))
            for ip, to in answer
        ]

    monkeypatch.setattr(webhooks, "getaddrinfo", getaddrinfo)
    return table


def post(url: str, seconds: float = 5.0, *, allow_local: bool = True) -> Attempt:
    return HttpPoster(seconds, allow_local=allow_local).post(url, HEADERS, b'{"a": 1}', NOON)


def test_a_webhook_arrives_as_it_was_signed(server: Any) -> None:
    receiver = server()

    attempt = post(receiver.url)

    assert (attempt.status, attempt.failure, attempt.succeeded, attempt.at) == (204, None, True, NOON)
    [request] = receiver.heard
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?key=k HTTP/1.1\r\n")
    assert b"webhook-id: msg_1" in head
    assert b"Content-Type: application/json" in head
    assert f"Host: 127.0.0.1:{receiver.port}".encode() in head
    assert body == b'{"a": 1}'


def test_a_redirect_is_an_answer_and_is_not_followed(server: Any) -> None:
    target = server()
    receiver = server(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {target.url}\r\n\r\n".encode())

    attempt = post(receiver.url)

    assert (attempt.status, attempt.succeeded) == (307, False)
    assert target.heard == []


def test_a_server_says_when_to_come_again(server: Any) -> None:
    answer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {}\r\n\r\n"

    asked = [post(server(answer.format(value).encode()).url).retry_after for value in ("120", "1e9", "soon")]

    assert asked == [120, None, None]


def endless_body(connection: Any) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def test_of_a_long_answer_nothing_but_its_head_is_read(server: Any) -> None:
    attempt = post(server(serve=endless_body).url)

    assert attempt.succeeded
    assert attempt.duration_ms < 2000


def drip(connection: Any) -> None:
    """A byte now and then, so that no single read takes long."""
    while True:
        connection.sendall(b"H")
        time.sleep(0.05)


def continue_for_ever(connection: Any) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


def silence(connection: Any) -> None:
    time.sleep(1)


@pytest.mark.parametrize("serve", [drip, continue_for_ever, silence])
def test_a_server_that_does_not_come_to_an_end_is_left_after_its_time(server: Any, serve: Any) -> None:
    started = time.monotonic()

    attempt = post(server(serve=serve).url, 0.3)

    assert (attempt.status, attempt.failure) == (None, "timeout")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_what_is_no_http_is_a_failure(server: Any, answer: bytes) -> None:
    attempt = post(server(answer).url)

    assert (attempt.status, attempt.failure) == (None, "connection")


def test_a_closed_port_and_an_unknown_name_are_failures(resolve: Any) -> None:
    resolve["127.0.0.1"] = [[("127.0.0.1", 0)]]

    assert post(f"http://127.0.0.1:{closed_port()}/").failure == "connection"
    assert post("http://nowhere.example/").failure == "name"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["1.1.1.1", "127.0.0.1"],
        ["fe80::1%1"],
    ],
)
def test_a_name_that_leads_inside_is_never_connected_to(server: Any, resolve: Any, addresses: Any) -> None:
    receiver = server()
    resolve["hooks.acme.example"] = [[(address, receiver.port) for address in addresses]]

    attempt = post("https://hooks.acme.example/", allow_local=False)

    assert (attempt.status, attempt.failure) == (None, "address")
    assert receiver.heard == []


def test_a_name_is_resolved_once_so_that_it_cannot_mean_something_else_a_moment_later(
    server: Any, resolve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = server(), server()
    resolve["hooks.acme.example"] = [[("127.0.0.1", first.port)], [("127.0.0.1", second.port)]]

    attempt = post("http://hooks.acme.example/")

    assert attempt.succeeded
    assert b"Host: hooks.acme.example\r\n" in first.heard[0]
    assert second.heard == []


def test_a_url_that_the_rules_of_today_refuse_is_not_even_resolved(resolve: Any) -> None:
    attempt = post("http://hooks.acme.example/", allow_local=False)

    assert attempt.failure == "address"


def test_nothing_is_told_to_a_server_whose_certificate_is_not_for_the_name(
    server: Any, resolve: Any, tmp_path: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "imposter.pem"))
    heard: list[bytes] = []

    def serve(connection: Any) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard.append(secured.recv(1000))

    receiver = server(serve=serve)
    resolve["hooks.acme.example"] = [[("127.0.0.1", receiver.port)]]

    attempt = post(f"https://hooks.acme.example:{receiver.port}/")

    assert (attempt.status, attempt.failure) == (None, "tls")
    assert heard == []


def test_no_proxy_of_the_environment_is_used(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, receiver = server(), server()
    monkeypatch.setenv("http_proxy", proxy.url)

    assert post(receiver.url).succeeded
    assert proxy.heard == []
