"""The cable between our programs and their servers, which chaos disturbs."""

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from compose.chaos.proxy import DELAY, HALF_CLOSE, RESET, SILENCE, Proxy

PATIENCE = 5


class Echo:
    """A server that says back what it hears, and remembers it."""

    def __init__(self):
        self.heard = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(accepted,), daemon=True).start()

    def serve(self, accepted):
        with accepted:
            try:
                while piece := accepted.recv(1000):
                    self.heard += piece
                    accepted.sendall(piece)
            except OSError:
                return


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.listener.close()


@pytest.fixture
def proxy(echo):
    with Proxy({"echo": echo.port}) as running:
        yield running


@contextmanager
def connected(proxy):
    with socket.create_connection(("127.0.0.1", proxy.ports["echo"]), PATIENCE) as connection:
        connection.sendall(b"hello")
        assert connection.recv(10) == b"hello"
        yield connection


def test_an_undisturbed_cable_carries_both_ways(proxy):
    with connected(proxy) as connection:
        connection.shutdown(socket.SHUT_WR)

        assert connection.recv(10) == b""


def test_a_reset_ends_what_is_open_and_what_comes_until_it_is_healed(proxy):
    with connected(proxy) as connection:
        assert proxy.disturb("echo", RESET) == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(10)

    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.ports["echo"]), PATIENCE) as refused,
    ):
        refused.recv(10)

    proxy.heal("echo")
    with connected(proxy):
        pass


def test_silence_holds_back_what_was_sent_until_it_is_healed(proxy, echo):
    with connected(proxy) as connection:
        proxy.disturb("echo", SILENCE)
        connection.sendall(b"anybody?")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        assert echo.heard == b"hello"

        proxy.heal("echo")
        connection.settimeout(PATIENCE)
        assert connection.recv(10) == b"anybody?"


def test_a_delay_holds_each_piece_back_both_ways(proxy):
    with connected(proxy) as connection:
        proxy.disturb("echo", DELAY, 0.2)
        started = time.monotonic()
        connection.sendall(b"slowly")

        assert connection.recv(10) == b"slowly"
        assert time.monotonic() - started >= 0.4


def test_half_closed_the_server_works_on_and_nobody_hears(proxy, echo):
    with connected(proxy) as connection:
        proxy.disturb("echo", HALF_CLOSE)
        assert connection.recv(10) == b""
        connection.sendall(b"still here")

        deadline = time.monotonic() + PATIENCE
        while b"still here" not in echo.heard and time.monotonic() < deadline:
            time.sleep(0.02)
        assert echo.heard == b"hellostill here"


def test_a_server_that_is_gone_resets_its_clients(proxy, echo):
    echo.listener.shutdown(socket.SHUT_RDWR)
    echo.listener.close()

    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection(("127.0.0.1", proxy.ports["echo"]), PATIENCE) as connection,
    ):
        connection.recv(10)
