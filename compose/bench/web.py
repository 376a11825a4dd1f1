"""Many HTTP clients in one process, each with a connection that it keeps, as cheap as Python allows."""

import select
import socket
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from compose.errors import ComposeError

END_OF_HEAD = b"\r\n\r\n"
READ_BYTES = 64 * 1024
LONGEST_SILENCE_SECONDS = 30


def requests_per_second(url: str, headers: Mapping[str, str], requests: int, clients: int) -> float:
    """GET the same URL so many times; ComposeError when an answer is not 200."""
    return mixed_requests_per_second([(url, headers)] * clients, requests)


def mixed_requests_per_second(clients: Sequence[tuple[str, Mapping[str, str]]], requests: int) -> float:
    """As `requests_per_second`, each client with a URL and headers of its own."""
    began = time.perf_counter()
    _Load([_Client(url, headers) for url, headers in clients], requests).run()
    return requests / (time.perf_counter() - began)


class _Load:
    """Each client asks again as soon as it is answered, until so many requests have been made."""

    def __init__(self, clients: Sequence["_Client"], requests: int) -> None:
        self._clients = clients
        self._unasked = self._unanswered = requests
        self._poll = select.epoll()
        self._by_descriptor: dict[int, _Client] = {}

    def run(self) -> None:
        try:
            for client in self._clients:
                self._ask(client)
            while self._unanswered:
                ready = self._poll.poll(LONGEST_SILENCE_SECONDS)
                if not ready:
                    raise ComposeError(f"There was no answer for {LONGEST_SILENCE_SECONDS} s.")
                for descriptor, _ in ready:
                    self._receive(self._by_descriptor[descriptor])
        finally:
            self._poll.close()
            for client in self._clients:
                client.close()

    def _ask(self, client: "_Client") -> None:
        if not self._unasked:
            return
        self._unasked -= 1
        if client.connection is None:
            connection = client.connect()
            self._by_descriptor[connection.fileno()] = client
            self._poll.register(connection, select.EPOLLIN)
        client.ask()

    def _receive(self, client: "_Client") -> None:
        if client.is_answered():
            self._unanswered -= 1
            self._ask(client)


class _Client:
    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 80))
        lines = [
            f"GET {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        self._request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._received = b""
        self.connection: socket.socket | None = None

    def connect(self) -> socket.socket:
        self.connection = socket.create_connection(self._address)
        return self.connection

    def ask(self) -> None:
        assert self.connection is not None
        self.connection.sendall(self._request)

    def is_answered(self) -> bool:
        """Reads what is there; whether the answer is complete with it. ComposeError when it is not 200."""
        assert self.connection is not None
        data = self.connection.recv(READ_BYTES)
        if not data:
            raise ComposeError("A connection was closed before its answer.")
        self._received += data
        head, separator, body = self._received.partition(END_OF_HEAD)
        if not separator:
            return False
        head = head.lower()
        if not head.startswith((b"http/1.1 200", b"http/1.0 200")):
            raise ComposeError(f"The answer was not 200: {head.splitlines()[0].decode()}")
        if len(body) < int(head.split(b"content-length:")[1].split(b"\r\n")[0]):
            return False
        self._received = b""
        if b"connection: close" in head:
            self.close()
        return True

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
