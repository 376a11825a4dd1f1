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
from gevent.server import StreamServer
from gunicorn import http, util
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers import ggevent

SECONDS_TO_CONNECT = 10.0
"""A worker without a broker takes requests all the same after this time, and says that it is not ready."""

SECONDS_BETWEEN_LOOKS = 0.05

CONNECTIONS_A_TURN = 16

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
        # Whether the request has waited too long, which the application sees as it does the connection.
        self.is_late = False

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


class Listener(StreamServer):
    """Takes some connections in each turn of the loop, however often gunicorn says that it is to take one.

    With one a turn, new clients of a busy worker wait in the listener's backlog, where nobody sees them.
    """

    @property
    def max_accept(self) -> int:
        return CONNECTIONS_A_TURN

    @max_accept.setter
    def max_accept(self, _: int) -> None:
        """gunicorn wants the workers to take turns. A few at a time do that, too."""


ggevent.StreamServer = Listener


class Parser(RequestParser):
    """Shows a request to the worker's door as the bytes that came, before anything is made of them."""

    door: Any = None

    def mesg_class(self, cfg: Any, unreader: Any, peer: Any, number: int) -> Any:
        """gunicorn asks for the next message where the one before has certainly ended."""
        is_late = False
        if not unreader.buf.getbuffer().nbytes:
            data = unreader.sock.recv(unreader.mxchunk)
            # Looked at only now: a worker may have begun to stop while its client said nothing.
            if data and self.door is not None:
                is_late = self.door.is_shut(unreader.sock)
                if refusal := self.door.refusal(data, is_shut=is_late):
                    return refusal
            unreader.unread(data)
        message = Request(cfg, unreader, peer, number)
        message.is_late = is_late
        return message


def parser_of(cfg: Any, source: Any, peer: Any, http2_connection: bool = False) -> Any:
    return gunicorns_own(cfg, source, peer, True) if http2_connection else Parser(cfg, source, peer)


gunicorns_own, http.get_parser = http.get_parser, parser_of


class Worker(ggevent.GeventWorker):
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
            Parser.door = serving.door_of(self.wsgi)
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
        if refused := getattr(req, "refused_with", b""):
            sock.sendall(refused)
            return
        whole = WholeResponses(sock)
        whole.is_late = req.is_late
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

        # From now on each answer tells its client that the connection is closed.
        Parser.door = None
        serving.end(self.wsgi)
        gevent.sleep(SECONDS_TO_STAY_IDLE)
        for client in list(self._idle):
            # A request that has just arrived is still read and answered, which closing would prevent, and so
            # would gevent's own `shutdown`: it interrupts whoever reads.
            with suppress(OSError):
                client._sock.shutdown(socket.SHUT_RD)
