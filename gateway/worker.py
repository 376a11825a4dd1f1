"""One gunicorn worker process: it takes requests once it is connected, and lets nobody down when it stops.

gunicorn's master imports this file, so a change in it is seen when gunicorn itself starts anew. What it
calls is imported by each worker.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NamedTuple

import gevent
from gunicorn import util
from gunicorn.workers.ggevent import GeventWorker

SECONDS_TO_CONNECT = 10.0
"""A worker without a broker takes requests all the same after this time, and says that it is not ready."""

SECONDS_BETWEEN_LOOKS = 0.05

SECONDS_TO_STAY_IDLE = 2.0
"""How long a stopping worker leaves connections without a request open. A client that is about to send its
next one is answered, and told that the connection is closed after it."""


def write_problem(client: Any, status: int, reason: str, _message: str) -> None:
    """What gunicorn itself refuses, because it is no HTTP or too long, is a problem document, too.

    It repeats nothing of what was sent.
    """
    code = reason.lower().replace(" ", "_")
    problem = {
        "type": f"urn:gametriggers:problem:{code}",
        "title": reason,
        "status": status,
        "detail": reason,
        "code": code,
        "request_id": "",
    }
    body = json.dumps(problem)
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    util.write_nonblock(client, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


util.write_error = write_problem


class Listening(NamedTuple):
    """What gunicorn asks of a listening socket while it serves a connection."""

    address: Any

    def getsockname(self) -> Any:
        return self.address


class WholeResponses:
    """A client's connection for one response: its head leaves with the first piece of its body.

    gunicorn sends them apart, which costs a system call here, and wakes the client once too often.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._head = b""
        self._is_begun = False

    def sendall(self, data: bytes) -> None:
        if not self._is_begun:
            self._is_begun, self._head = True, bytes(data)
            return
        data, self._head = self._head + data, b""
        self._client.sendall(data)

    def flush(self) -> None:
        """For a response without a body."""
        if self._head:
            self.sendall(b"")

    def __getattr__(self, name: str) -> Any:
        """Whatever else is done with the connection comes after the head."""
        self.flush()
        return getattr(self._client, name)


class Worker(GeventWorker):
    def init_process(self) -> None:
        self._clients: dict[Any, Any] = {}
        self._idle: set[Any] = set()
        super().init_process()

    def run(self) -> None:
        """Until it is connected, it leaves the requests that arrive to the workers beside it."""
        from gateway import serving

        with gevent.Timeout(SECONDS_TO_CONNECT, False):
            while self.alive and not serving.is_ready(self.wsgi):
                self.notify()
                gevent.sleep(SECONDS_BETWEEN_LOOKS)
        if self.alive:
            serving.begin()
        super().run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """gunicorn's master repeats the signal; and nothing in a signal's handler may wait."""
        was_alive = self.alive
        super().handle_exit(sig, frame)
        if was_alive and self.booted:
            gevent.spawn(self._let_go)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """The listener may be closed before a connection that it has accepted is looked at."""
        current = gevent.getcurrent()
        self._clients[current] = client
        try:
            super().handle(Listening(client.getsockname()), client, addr)
        finally:
            del self._clients[current]

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        whole = WholeResponses(sock)
        try:
            super().handle_request(listener_name, req, whole, addr)
        finally:
            whole.flush()

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Surrounds the wait for a connection's next request."""
        client = self._clients[gevent.getcurrent()]
        self._idle.add(client)
        try:
            with gevent.Timeout(self.cfg.keepalive if self.alive else SECONDS_TO_STAY_IDLE, False):
                yield
        finally:
            self._idle.discard(client)

    def _let_go(self) -> None:
        from gateway import serving

        serving.end(self.wsgi)
        gevent.sleep(SECONDS_TO_STAY_IDLE)
        for client in list(self._idle):
            # A request that has just arrived is still read and answered, which closing would prevent, and so
            # would gevent's own `shutdown`: it interrupts whoever reads.
            with suppress(OSError):
                client._sock.shutdown(socket.SHUT_RD)
