"""More than two gevent workers can serve, all at once: it has waited in the backlog and in their sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chassis.testing import eventually
from gateway.tests.conftest import BRAND
from gateway.tests.interface.conftest import Gunicorn
from gateway.tests.surface import SCOPES

# Several times as many as are served within the tenth of a second after which a queue stands.
MANY = 900
SECONDS_STOPPED = 0.2


class Client:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20)

    def ask(self, path: str, token: str) -> None:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._socket.sendall(head.encode())

    def answer(self) -> tuple[int, bytes]:
        head, separator, body = b"", b"", b""
        while not separator or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            received = self._socket.recv(65536)
            assert received, "the connection was closed before its answer"
            head, separator, body = (head + separator + body + received).partition(b"\r\n\r\n")
        return int(head[9:12]), body

    def close(self) -> None:
        self._socket.close()


def workers_of(gunicorn: Gunicorn) -> list[int]:
    pid = gunicorn.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_who_has_waited_too_long_in_a_rush_is_refused_and_the_others_are_served(
    gunicorn: Gunicorn, tokens: Any, stub_service: Callable[..., Any]
) -> None:
    stub_service("payment", wallet=lambda _: {"account_id": BRAND})
    token = tokens.issue("brand", BRAND, SCOPES["brand"], "ses_1")
    workers = workers_of(gunicorn)
    clients = [Client(gunicorn.url) for _ in range(MANY)]

    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    for client in clients[:-1]:
        client.ask("/v1/wallet", token)
    clients[-1].ask("/health/live", token)
    time.sleep(SECONDS_STOPPED)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    answers = [client.answer() for client in clients]

    statuses = Counter(status for status, _ in answers[:-1])
    assert set(statuses) == {200, 503}
    assert statuses[503] > MANY / 4
    assert {json.loads(body)["code"] for status, body in answers[:-1] if status == 503} == {"overloaded"}
    assert answers[-1][0] == 200

    refused = clients[[status for status, _ in answers].index(503)]

    def is_served() -> bool:
        refused.ask("/v1/wallet", token)
        return refused.answer()[0] == 200

    eventually(is_served, deadline=5)
    for client in clients:
        client.close()
